//! The settings that an agent offers for a session: its model and its permission mode. Agents offer them in three ways:
//! as modes, as models (which the stable protocol lacks), and as configuration options.

use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, SessionConfigId, SessionConfigKind, SessionConfigOption, SessionConfigOptionCategory,
    SessionConfigSelectOptions, SessionModeState, SetSessionConfigOptionRequest, SetSessionModeRequest,
};
use serde_json::{Value, json};

use super::rpc;
use crate::json_fields::text;

/// The request that sets the model of an agent that lists `models`.
const SET_MODEL: &str = "session/set_model";

#[derive(Debug, Default)]
pub struct Settings {
    pub model: Setting,
    pub mode: Setting,
}

/// A setting with a fixed list of values. The list is empty if the agent doesn't offer the setting.
#[derive(Debug, Default)]
pub struct Setting {
    pub values: Vec<String>,
    /// The session's initial value.
    pub current: String,
    method: Option<Method>,
}

/// The request that changes a setting.
#[derive(Debug)]
enum Method {
    Mode,
    Model,
    Option(SessionConfigId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    Model,
    Mode,
}

/// A request that changes a setting.
pub struct Change {
    pub setting: SettingKind,
    pub method: &'static str,
    pub params: Value,
}

impl Settings {
    /// Reads the settings from the result of `session/new`, `session/load` or `session/fork`.
    pub fn of(result: &Value) -> Self {
        let options = result["configOptions"].as_array().into_iter().flatten();
        let options: Vec<SessionConfigOption> =
            options.filter_map(|option| serde_json::from_value(option.clone()).ok()).collect();
        Self {
            model: Setting::of_models(&result["models"])
                .or_else(|| {
                    options.iter().find_map(|option| Setting::of_option(option, &SessionConfigOptionCategory::Model))
                })
                .unwrap_or_default(),
            mode: Setting::of_modes(&result["modes"]).or_else(|| mode_in(&options)).unwrap_or_default(),
        }
    }
}

/// Returns the permission mode setting if it is one of the configuration options.
pub fn mode_in(options: &[SessionConfigOption]) -> Option<Setting> {
    options.iter().find_map(|option| Setting::of_option(option, &SessionConfigOptionCategory::Mode))
}

impl Setting {
    fn of_modes(modes: &Value) -> Option<Self> {
        let modes: SessionModeState = serde_json::from_value(modes.clone()).ok()?;
        let values = modes.available_modes.iter().map(|mode| mode.id.to_string()).collect();
        Some(Self { values, current: modes.current_mode_id.to_string(), method: Some(Method::Mode) })
    }

    fn of_models(models: &Value) -> Option<Self> {
        let ids = models["availableModels"].as_array()?.iter().map(|model| text(model, "modelId").to_owned());
        let values = ids.filter(|id| !id.is_empty()).collect();
        Some(Self { values, current: text(models, "currentModelId").to_owned(), method: Some(Method::Model) })
    }

    fn of_option(option: &SessionConfigOption, category: &SessionConfigOptionCategory) -> Option<Self> {
        let SessionConfigKind::Select(select) = &option.kind else { return None };
        if option.category.as_ref() != Some(category) {
            return None;
        }
        let values = match &select.options {
            SessionConfigSelectOptions::Ungrouped(options) => {
                options.iter().map(|option| option.value.to_string()).collect()
            }
            SessionConfigSelectOptions::Grouped(groups) => {
                let options = groups.iter().flat_map(|group| &group.options);
                options.map(|option| option.value.to_string()).collect()
            }
            _ => return None,
        };
        let method = Some(Method::Option(option.id.clone()));
        Some(Self { values, current: select.current_value.to_string(), method })
    }

    pub fn offers(&self, value: &str) -> bool {
        self.values.iter().any(|offered| offered == value)
    }

    pub fn is_current(&self, value: &str) -> bool {
        self.current == value
    }

    /// Returns the request that chooses a value of this `setting`, or `None` if the agent doesn't offer the value.
    pub fn choose(&self, setting: SettingKind, session: &str, value: &str) -> Option<Change> {
        if !self.offers(value) {
            return None;
        }
        let (method, params) = match self.method.as_ref()? {
            Method::Model => (SET_MODEL, json!({ "sessionId": session, "modelId": value })),
            Method::Mode => (
                AGENT_METHOD_NAMES.session_set_mode,
                rpc::value(SetSessionModeRequest::new(session.to_owned(), value.to_owned())),
            ),
            Method::Option(id) => (
                AGENT_METHOD_NAMES.session_set_config_option,
                rpc::value(SetSessionConfigOptionRequest::new(session.to_owned(), id.clone(), value)),
            ),
        };
        Some(Change { setting, method, params })
    }
}
