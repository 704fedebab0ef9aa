//! SUBSCRIBE and UNSUBSCRIBE: judged here, kept by the router.
//!
//! In:  filters of a device or of who listens to alerts.   Out: the allowed ones to the router, with its answer completed by our refusals.
//!
//! Never: a filter the router would close the link for, a shared subscription, QoS 2 towards a device (the router counts
//! its packet ids so that an early reuse is possible), a repeated SUBSCRIBE as such (the router would ignore its QoS).

use super::acl::{Denied, Relations};
use super::bus::RouterGone;
use super::end::End;
use super::limits;
use super::mailbox::Mailbox;
use super::refusal::Refusal;
use super::seats::Keep;
use super::session::Session;
use rumqttd::protocol::{
    Filter, Packet, QoS, SubAck, Subscribe, SubscribeProperties, SubscribeReasonCode, UnsubAck, UnsubAckReason,
    Unsubscribe,
};

/// Packet id of requests whose answer nobody waits for; no client can use it.
const NOBODYS: u16 = 0;

impl Session {
    /// SUBSCRIBE: some filters may be granted, others refused.
    pub(super) async fn subscribe(
        &mut self,
        subscribe: Subscribe,
        properties: Option<SubscribeProperties>,
    ) -> Result<(), End> {
        let Subscribe { pkid, filters } = subscribe;
        if pkid == 0 {
            return Err(End::Refused(Refusal::Malformed));
        }
        let with_identifier = properties.is_some_and(|properties| properties.id.is_some());
        let too_many = filters.len() > limits::FILTERS_PER_PACKET;
        let mut codes = Vec::with_capacity(filters.len());
        let mut granted = Vec::new();
        for filter in filters {
            let judged = if with_identifier {
                Err(SubscribeReasonCode::SubscriptionIdNotSupported)
            } else if too_many {
                Err(SubscribeReasonCode::QuotaExceeded)
            } else {
                self.judge_filter(&filter.path)
            };
            match judged {
                Ok(()) => {
                    let qos = if filter.qos == QoS::AtMostOnce { QoS::AtMostOnce } else { QoS::AtLeastOnce };
                    codes.push(SubscribeReasonCode::Success(qos));
                    granted.push(Filter { qos, ..filter });
                }
                Err(code) => codes.push(code),
            }
        }
        if granted.is_empty() {
            return self.answer(Packet::SubAck(SubAck { pkid, return_codes: codes }, None));
        }
        if !self.mailbox().await?.expect_suback(pkid, codes) {
            return Err(End::Refused(Refusal::Protocol));
        }
        self.forget_repeated(&granted).await?;
        Ok(self.mailbox().await?.tell(Packet::Subscribe(Subscribe { pkid, filters: granted }, None)).await?)
    }

    /// The session's end of the router, opened when it is needed first.
    async fn mailbox(&mut self) -> Result<&mut Mailbox, RouterGone> {
        if self.mailbox.is_none() {
            let forgotten = self.keep == Keep::No;
            if !forgotten {
                // The router may remember another session under this link's name.
                self.shared.bus.forget(&self.link_name).await?;
            }
            let link = self.shared.bus.open(&self.link_name, forgotten).await?;
            self.memory.linked = !forgotten;
            let (receive_max, packet_max) = self.takes;
            self.mailbox =
                Some(Box::new(Mailbox::new(link, self.codec, receive_max, packet_max, self.acl.hearing().cloned())));
        }
        self.mailbox.as_deref_mut().ok_or(RouterGone)
    }

    /// UNSUBSCRIBE. The router answers once per filter, or not at all, so the answer is ours.
    pub(super) async fn unsubscribe(&mut self, unsubscribe: Unsubscribe) -> Result<(), End> {
        let Unsubscribe { pkid, filters } = unsubscribe;
        if pkid == 0 || filters.is_empty() || filters.len() > limits::FILTERS_PER_PACKET {
            return Err(End::Refused(Refusal::Malformed));
        }
        let mut reasons = Vec::with_capacity(filters.len());
        for filter in filters {
            if self.memory.filters.remove(&filter) {
                self.drop_filter(filter).await?;
                reasons.push(UnsubAckReason::Success);
            } else {
                reasons.push(UnsubAckReason::NoSubscriptionExisted);
            }
        }
        self.answer(Packet::UnsubAck(UnsubAck { pkid, reasons }, None))
    }

    fn judge_filter(&self, filter: &str) -> Result<(), SubscribeReasonCode> {
        let view = self.shared.view.borrow().clone();
        let relations = Relations { view: &view, topology: &self.shared.topology };
        let code = match self.acl.subscribe(&relations, filter) {
            Ok(()) if self.has_room_for(filter) => return Ok(()),
            Ok(()) => {
                self.note(Refusal::Quota, filter);
                return Err(SubscribeReasonCode::QuotaExceeded);
            }
            Err(Denied::Shared) => SubscribeReasonCode::SharedSubscriptionsNotSupported,
            Err(Denied::BadName) => SubscribeReasonCode::TopicFilterInvalid,
            Err(Denied::Foreign | Denied::Listener) => SubscribeReasonCode::NotAuthorized,
        };
        self.note(Refusal::ForeignFilter, filter);
        Err(code)
    }

    /// Of its own, and, for one that listens, of what all who listen have together.
    fn has_room_for(&self, filter: &str) -> bool {
        self.shared.seats.may_use_filter(self.acl.device(), filter)
            && (self.acl.hearing().is_none() || self.shared.audience.may_use_filter(filter))
    }

    /// A filter that the session holds already is dropped first, so that the new QoS counts and retained messages come.
    async fn forget_repeated(&mut self, granted: &[Filter]) -> Result<(), End> {
        for filter in granted {
            let new = self.memory.filters.insert(filter.path.clone());
            if !new {
                self.drop_filter(filter.path.clone()).await?;
            }
        }
        Ok(())
    }

    /// Unsubscribes at the router. In a resumed session the router has forgotten which connection holds the filter and
    /// would ignore an UNSUBSCRIBE alone; a SUBSCRIBE reminds it.
    async fn drop_filter(&mut self, path: String) -> Result<(), End> {
        let reminder = Filter {
            path: path.clone(),
            qos: QoS::AtMostOnce,
            nolocal: false,
            preserve_retain: false,
            retain_forward_rule: rumqttd::protocol::RetainForwardRule::Never,
        };
        let reminder = Subscribe { pkid: NOBODYS, filters: vec![reminder] };
        let unsubscribe = Unsubscribe { pkid: NOBODYS, filters: vec![path] };
        let mailbox = self.mailbox().await?;
        mailbox.tell(Packet::Subscribe(reminder, None)).await?;
        Ok(mailbox.tell(Packet::Unsubscribe(unsubscribe, None)).await?)
    }
}
