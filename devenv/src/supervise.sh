# Runs "$@" for as long as standard input stays open, and leaves nothing of its process group behind.
#
# The parent holds the other end of standard input and never writes to it. The kernel closes it when the parent ends,
# whatever ends it, SIGKILL included. Must lead its process group.
exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
{
    read -r _ <&3
    kill "$child"
    tries=0
    while kill -0 "$child" && [ "$tries" -lt 50 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -s KILL 0
} 2>/dev/null &
exec 3<&-
wait "$child"
echo "ended with status $?" >&2
kill -s KILL 0
