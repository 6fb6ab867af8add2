use anyhow::Result;
use serde_json::Value;

use super::client::EmulatorClient;

impl EmulatorClient {
    /// Chooses special behaviour of AWS for an account: see "Modes" in `emulator/README.md`. A call replaces the previous choice.
    pub async fn set_modes(&self, account: &str, mut modes: Value) -> Result<()> {
        modes["account"] = account.into();
        self.request(move |agent, endpoint| agent.put(format!("{endpoint}/_devenv/modes")).send_json(&modes)).await?;
        Ok(())
    }
}
