//! Data types that all parts of the host share, such as names, places, users, timestamps, sessions and replies.

mod audit;
mod chat_file;
mod delivery_log;
mod filter;
mod folder_entry;
mod name;
mod people;
mod permission_mode;
mod place;
mod prompt;
mod reply;
mod request;
mod session;
mod timestamp;
mod topic;
mod usage;

pub use audit::{AuditEntry, DecidedBy, DecidedRequest, RecordedRequest};
pub use chat_file::{ChatFile, FILES_FOLDER, model_input};
pub use delivery_log::{DeliveryIssue, DeliveryLogEntry, DeliveryOutcome};
pub use filter::{FilterChange, FilterInput, FilterOutcome};
pub use folder_entry::{EntryKind, FolderEntry, FolderPage};
pub use name::{InvalidName, MODEL_NAME_RULE, PLUGIN_NAME_RULE, SessionName, is_model_name, is_plugin_name};
pub use people::{Caller, MessageAuthor, Role, UnknownRole, UserId};
pub use permission_mode::PermissionMode;
pub use place::{ActiveScope, Place};
pub use prompt::{AgentCommand, Exchange, InterruptedPrompt, Prompt, PromptKind, QueuedPrompt, Urgency};
pub use reply::{Alert, Attachment, Authorship, Button, Content, Reply, SessionFile};
pub use request::{
    AgentRequest, AskReason, Choice, OpenRequest, OptionText, Permission, QuestionText, Request, RequestAnswer,
    RequestId, RequestOption, ToolUse,
};
pub use session::{
    ContinuedTurn, ConversationStart, ConversationUsage, ForkPoint, Phase, ProcessId, SessionRecord, SessionView,
    Terminal,
};
pub use timestamp::{TimeSource, Timestamp};
pub use topic::{SessionTopic, TopicAppearance, TopicEdit, TopicIcon, TopicState};
pub use usage::{
    ContextUse, GroupUsage, OriginUsage, TokenCount, Tokens, TurnOrigin, TurnUsage, UsageEntry, UsageGroup,
    UsagePeriod, UsageSum,
};
