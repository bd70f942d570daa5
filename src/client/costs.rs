//! Prices of models.

use super::Client;
use crate::error::Result;
use crate::record::cost;
use crate::record::json::{accept, Object, Rules, Value};
use crate::record::kind::RecordType;

impl Client {
    /// Sets the prices of a model, per token. `more` is a JSON object: `effective_date`, `provider_id`,
    /// `prompt_token_cost_unit`, `completion_token_cost_unit`, `cache_read_input_token_cost`,
    /// `cache_creation_input_token_cost`.
    pub fn create_cost(&self, model: &str, prompt: f64, completion: f64, more: Option<&[u8]>) -> Result<()> {
        self.check_open()?;
        if self.is_disabled() {
            return Ok(());
        }
        let rules = Rules { object: true, ..Rules::default() };
        let more = match more {
            Some(text) => {
                let text = accept(text, "options", &rules)?;
                Value::parse(&text).map_err(|fault| fault.in_field("options"))?.as_object().cloned().unwrap_or_default()
            }
            None => Object::new(),
        };
        let body = cost::body(self.project(), model, prompt, completion, &more)?;
        if let Some(body) = self.filtered(RecordType::CostCreate, body)? {
            cost::check_body(&body)?;
            self.keep_json(RecordType::CostCreate, &body)?;
        }
        Ok(())
    }
}
