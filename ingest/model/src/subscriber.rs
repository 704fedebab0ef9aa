use crate::{AlertKind, Authority, LandClass, QuietHours, Severity, Timestamp, TownshipCode, ZoneId, ZoneKind};
use std::fmt;
use std::time::Duration;

/// By what way somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// Standard Webhooks over HTTP.
    Webhook,
    /// A text message to a phone.
    Sms,
    /// A robot in a group of WeCom (企业微信).
    Wecom,
    /// A robot in a group of DingTalk (钉钉).
    Dingtalk,
    /// A robot in a group of Feishu (飞书).
    Feishu,
    /// Listens by MQTT, and has a password instead of an address.
    Mqtt,
    /// The upstream smart forestry-grass platform (智慧林草), as the configuration says where it is.
    Platform,
    /// The forest and grassland fire warning system (森林草原防灭火预警监测系统), likewise.
    FireWarning,
}

impl ChannelKind {
    /// Every way there is.
    pub const ALL: [Self; 8] = [
        Self::Webhook,
        Self::Sms,
        Self::Wecom,
        Self::Dingtalk,
        Self::Feishu,
        Self::Mqtt,
        Self::Platform,
        Self::FireWarning,
    ];

    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Sms => "sms",
            Self::Wecom => "wecom",
            Self::Dingtalk => "dingtalk",
            Self::Feishu => "feishu",
            Self::Mqtt => "mqtt",
            Self::Platform => "platform",
            Self::FireWarning => "fire_warning",
        }
    }

    /// `None` for a word that is no way.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether it tells people in words, rather than programs in fields.
    pub fn is_text(self) -> bool {
        !matches!(self, Self::Webhook | Self::Mqtt) && !self.is_upstream()
    }

    /// Whether it is a system above us, whose address and secrets stand in the configuration and not with the subscriber.
    pub fn is_upstream(self) -> bool {
        matches!(self, Self::Platform | Self::FireWarning)
    }
}

/// In which language somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// 中文
    #[default]
    Zh,
    /// English.
    En,
}

impl Language {
    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// `None` for a word that is neither.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Zh, Self::En].into_iter().find(|language| language.as_str() == word)
    }
}

/// Somebody who wants to be told. Empty lists mean "all".
#[derive(Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// Its id.
    pub id: String,
    /// As people call it.
    pub name: String,
    /// By what way.
    pub channel: ChannelKind,
    /// Where to; empty for a phone, for who listens and for an upstream system.
    pub url: String,
    /// The phone's number, `+` and digits, for text messages. Never logged.
    pub phone: Option<String>,
    /// In which language, where it is told in words.
    pub language: Language,
    /// The signing key: of a webhook `whsec_` and base64, of a robot as its group shows it; may be empty for a robot. Of who listens the
    /// password, and only in the answer that made it. Shown once, never logged.
    pub secret: String,
    /// The signing key of before, and until when a webhook is signed by it too.
    pub old_secret: Option<(String, Timestamp)>,
    /// Which kinds of alert.
    pub events: Vec<AlertKind>,
    /// Which townships.
    pub townships: Vec<TownshipCode>,
    /// Which zones.
    pub zones: Vec<ZoneId>,
    /// Which kinds of zone.
    pub zone_kinds: Vec<ZoneKind>,
    /// Which land.
    pub land_classes: Vec<LandClass>,
    /// Cases of which enforcement bodies.
    pub authorities: Vec<Authority>,
    /// From which urgency on.
    pub severity: Severity,
    /// Told of a case only when nobody has acknowledged it for so long; `None`: at once.
    pub after: Option<Duration>,
    /// When it is told only of what cannot wait.
    pub quiet: Option<QuietHours>,
    /// `local_government` or `forestry_authority`: which half of the dual report this is.
    pub duty: Option<String>,
    /// Why nothing is sent to it, once it is switched off.
    pub off: Option<String>,
    /// When it subscribed.
    pub since: Timestamp,
}

impl Subscriber {
    /// Somebody who hears of everything by this way, in Chinese.
    pub fn to_all(id: &str, channel: ChannelKind) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            channel,
            url: String::new(),
            phone: None,
            language: Language::Zh,
            secret: String::new(),
            old_secret: None,
            events: Vec::new(),
            townships: Vec::new(),
            zones: Vec::new(),
            zone_kinds: Vec::new(),
            land_classes: Vec::new(),
            authorities: Vec::new(),
            severity: Severity::Notice,
            after: None,
            quiet: None,
            duty: None,
            off: None,
            since: Timestamp::default(),
        }
    }

    /// Whether it wants to hear of this kind. Whoever hears that a case was opened must hear that it was taken back, or that
    /// nobody took it. The fire warning system hears of fires unless it names something else.
    pub fn hears(&self, kind: AlertKind) -> bool {
        let names = |kind| self.events.contains(&kind);
        let follows = matches!(kind, AlertKind::IncidentWithdrawn | AlertKind::IncidentEscalated);
        let unless_named =
            self.channel != ChannelKind::FireWarning || matches!(kind, AlertKind::FireSeen | AlertKind::FireOver);
        self.events.is_empty() && unless_named || names(kind) || follows && names(AlertKind::IncidentOpened)
    }
}

/// Without the secret, the phone, and without what may follow the host in the URL, which can be a secret too.
impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}
