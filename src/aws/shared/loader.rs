use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex as AsyncMutex;

use super::Freshness;
use crate::aws::AwsError;

/// Who has not asked for so long is no longer read for.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// Reads things of one kind by key, for many at once.
#[derive(Debug)]
pub struct Loader<V> {
    questions: Mutex<Questions>,
    answers: Mutex<Answers<V>>,
    /// Held while AWS is asked: those who ask meanwhile wait, and then share the next answer. What is urgent never waits for a routine read,
    /// which may be waiting for its turn.
    urgent: AsyncMutex<()>,
    routine: AsyncMutex<()>,
}

#[derive(Debug, Default)]
struct Questions {
    waiting: BTreeMap<String, usize>,
    asked_at: HashMap<String, Instant>,
}

#[derive(Debug)]
struct Answers<V> {
    known: HashMap<String, (Instant, Vec<V>)>,
    failed: Option<Failed>,
}

#[derive(Debug)]
struct Failed {
    at: Instant,
    keys: Vec<String>,
    error: AwsError,
}

impl<V> Default for Loader<V> {
    fn default() -> Self {
        let answers = Answers { known: HashMap::new(), failed: None };
        Self {
            questions: Mutex::default(),
            answers: Mutex::new(answers),
            urgent: AsyncMutex::default(),
            routine: AsyncMutex::default(),
        }
    }
}

impl<V: Clone> Loader<V> {
    /// What there is under the keys. `read` asks AWS for all keys it is given, and returns what it found, each with its key.
    pub async fn load<F: Future<Output = Result<Vec<(String, V)>, AwsError>>>(
        &self,
        keys: &[String],
        freshness: Freshness,
        read: impl FnOnce(Vec<String>) -> F,
    ) -> Result<Vec<V>, AwsError> {
        let now = Instant::now();
        let (not_before, lane) = match freshness {
            Freshness::Now => (now, &self.urgent),
            Freshness::Since(then) => (then, &self.routine),
        };
        let question = Question::ask(self, keys, now);
        let _turn = lane.lock().await;
        if let Some(answer) = self.answers().of(keys, not_before) {
            return answer;
        }
        let at = Instant::now();
        let all = question.with_others(freshness, at);
        let result = read(all.clone()).await;
        let mut answers = self.answers();
        answers.note(at, all, result);
        answers.of(keys, not_before).unwrap_or_else(|| Ok(Vec::new()))
    }

    fn answers(&self) -> MutexGuard<'_, Answers<V>> {
        // A panic elsewhere leaves at worst a key without values that were read for it, which counts for no later question.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn questions(&self) -> MutexGuard<'_, Questions> {
        // A panic elsewhere leaves at worst a key behind that is read in vain.
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Clone> Answers<V> {
    /// The answer that is there already, if it is fresh enough.
    fn of(&self, keys: &[String], not_before: Instant) -> Option<Result<Vec<V>, AwsError>> {
        if let Some(failed) = &self.failed
            && failed.at >= not_before
            && keys.iter().any(|key| failed.keys.contains(key))
        {
            return Some(Err(failed.error.clone()));
        }
        let mut values = Vec::new();
        for key in keys {
            let (_, found) = self.known.get(key).filter(|(at, _)| *at >= not_before)?;
            values.extend(found.iter().cloned());
        }
        Some(Ok(values))
    }

    fn note(&mut self, at: Instant, keys: Vec<String>, result: Result<Vec<(String, V)>, AwsError>) {
        self.known.retain(|_, (known_at, _)| at.duration_since(*known_at) < FORGOTTEN_AFTER);
        self.failed = None;
        match result {
            Ok(found) => {
                for key in keys {
                    // The other lane may have read it later, and been quicker.
                    if self.known.get(&key).is_none_or(|(known_at, _)| *known_at < at) {
                        self.known.insert(key, (at, Vec::new()));
                    }
                }
                for (key, value) in found {
                    if let Some((_, values)) = self.known.get_mut(&key).filter(|(known_at, _)| *known_at == at) {
                        values.push(value);
                    }
                }
            }
            Err(error) => self.failed = Some(Failed { at, keys, error }),
        }
    }
}

/// One who waits for an answer.
struct Question<'a, V: Clone> {
    loader: &'a Loader<V>,
    keys: &'a [String],
}

impl<'a, V: Clone> Question<'a, V> {
    fn ask(loader: &'a Loader<V>, keys: &'a [String], now: Instant) -> Self {
        let mut questions = loader.questions();
        questions.asked_at.retain(|_, asked_at| now.duration_since(*asked_at) < FORGOTTEN_AFTER);
        for key in keys {
            *questions.waiting.entry(key.clone()).or_default() += 1;
            questions.asked_at.insert(key.clone(), now);
        }
        drop(questions);
        Self { loader, keys }
    }

    /// The keys that AWS is now asked for: those of all who wait, and where the answer may serve later, of all who asked lately.
    fn with_others(&self, freshness: Freshness, now: Instant) -> Vec<String> {
        let questions = self.loader.questions();
        let mut keys: Vec<String> = questions.waiting.keys().cloned().collect();
        if matches!(freshness, Freshness::Since(_)) {
            let lately = |asked_at: &Instant| now.duration_since(*asked_at) < FORGOTTEN_AFTER;
            keys.extend(questions.asked_at.iter().filter(|(_, at)| lately(at)).map(|(key, _)| key.clone()));
            keys.sort_unstable();
            keys.dedup();
        }
        keys
    }
}

impl<V: Clone> Drop for Question<'_, V> {
    fn drop(&mut self) {
        let mut questions = self.loader.questions();
        for key in self.keys {
            if let Some(count) = questions.waiting.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    questions.waiting.remove(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::sync::Notify;

    use super::*;
    use crate::aws::operations as ops;

    /// AWS, which has `<key>/1` and `<key>/2` under every key.
    #[derive(Default)]
    struct Aws {
        reads: Mutex<Vec<Vec<String>>>,
        fails: bool,
    }

    impl Aws {
        async fn read(&self, keys: Vec<String>) -> Result<Vec<(String, String)>, AwsError> {
            self.reads.lock().unwrap().push(keys.clone());
            tokio::task::yield_now().await;
            if self.fails {
                return Err(AwsError::reported(ops::DESCRIBE_ALARMS, "Throttling", "no"));
            }
            let both = |key: String| [1, 2].map(|number| (key.clone(), format!("{key}/{number}")));
            Ok(keys.into_iter().flat_map(both).chain([("unasked".into(), "x".into())]).collect())
        }

        fn reads(&self) -> Vec<String> {
            self.reads.lock().unwrap().iter().map(|keys| keys.join(" ")).collect()
        }
    }

    fn key(key: &str) -> [String; 1] {
        [key.to_owned()]
    }

    async fn load(
        loader: &Loader<String>,
        aws: &Aws,
        name: &str,
        freshness: Freshness,
    ) -> Result<Vec<String>, AwsError> {
        loader.load(&key(name), freshness, |keys| aws.read(keys)).await
    }

    #[tokio::test]
    async fn who_asks_while_aws_is_asked_shares_the_next_read() {
        let (loader, aws) = (Loader::default(), Aws::default());
        let all = ["a", "b", "c", "d"].map(|name| load(&loader, &aws, name, Freshness::Now));
        let found: Vec<_> = join_all(all).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(found[3], ["d/1", "d/2"]);
        // The first asks at once; the others, who asked too late for that one, ask together.
        assert_eq!(aws.reads(), ["a", "b c d"]);
    }

    #[tokio::test]
    async fn what_is_urgent_does_not_wait_for_a_routine_read() {
        let (loader, aws, a) = (Loader::default(), Aws::default(), key("a"));
        let waits_for_its_turn = loader.load(&a, Freshness::Since(Instant::now()), |_| std::future::pending());
        tokio::select! {
            biased;
            _ = waits_for_its_turn => panic!("nothing answers it"),
            found = load(&loader, &aws, "a", Freshness::Now) => assert_eq!(found.unwrap(), ["a/1", "a/2"]),
        }
    }

    #[tokio::test]
    async fn what_was_read_before_it_was_asked_for_never_counts() {
        let (loader, aws) = (Loader::default(), Aws::default());
        load(&loader, &aws, "a", Freshness::Now).await.unwrap();
        load(&loader, &aws, "a", Freshness::Now).await.unwrap();
        assert_eq!(aws.reads(), ["a", "a"]);
    }

    #[tokio::test]
    async fn not_even_by_a_read_that_is_under_way() {
        let (loader, began, go_on, a) = (Loader::default(), Notify::new(), Notify::new(), key("a"));
        let before = async |_| {
            began.notify_one();
            go_on.notified().await;
            Ok(vec![("a".to_owned(), "before".to_owned())])
        };
        let late = async {
            began.notified().await;
            let question = loader.load(&a, Freshness::Now, async |_| Ok(vec![("a".to_owned(), "after".to_owned())]));
            let (found, ()) = tokio::join!(question, async { go_on.notify_one() });
            found.unwrap()
        };
        let (early, late) = tokio::join!(loader.load(&a, Freshness::Now, before), late);
        assert_eq!((early.unwrap(), late), (vec!["before".to_owned()], vec!["after".to_owned()]));
    }

    #[tokio::test]
    async fn at_rest_the_first_reads_for_all_that_asked_lately() {
        let (loader, aws) = (Loader::default(), Aws::default());
        for name in ["a", "b", "c"] {
            load(&loader, &aws, name, Freshness::Now).await.unwrap();
        }
        let rest = Freshness::Since(Instant::now());
        for name in ["a", "b", "c"] {
            assert_eq!(load(&loader, &aws, name, rest).await.unwrap(), [format!("{name}/1"), format!("{name}/2")]);
        }
        assert_eq!(aws.reads(), ["a", "b", "c", "a b c"]);
        // One who has changed something since does not rest, and reads for itself alone.
        load(&loader, &aws, "b", Freshness::Now).await.unwrap();
        load(&loader, &aws, "a", rest).await.unwrap();
        assert_eq!(aws.reads(), ["a", "b", "c", "a b c", "b"]);
    }

    #[tokio::test]
    async fn nothing_is_found_under_a_key_that_has_nothing() {
        let loader: Loader<String> = Loader::default();
        assert_eq!(
            loader.load(&key("a"), Freshness::Now, async |_| Ok(Vec::new())).await.unwrap(),
            Vec::<String>::new()
        );
    }

    #[tokio::test]
    async fn a_failure_is_shared_by_those_who_waited_and_by_nobody_else() {
        let (loader, aws) = (Loader::default(), Aws { fails: true, ..Aws::default() });
        let rest = Freshness::Since(Instant::now());
        for found in join_all(["a", "b", "c"].map(|name| load(&loader, &aws, name, Freshness::Now))).await {
            assert_eq!(found.unwrap_err().code, "Throttling");
        }
        assert_eq!(aws.reads(), ["a", "b c"]);
        let aws = Aws::default();
        assert_eq!(load(&loader, &aws, "b", Freshness::Now).await.unwrap(), ["b/1", "b/2"]);
        assert_eq!(load(&loader, &aws, "a", rest).await.unwrap(), ["a/1", "a/2"]);
    }
}
