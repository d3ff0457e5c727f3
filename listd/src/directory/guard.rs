//! Which answers of a server are not the whole truth (promise 6).
//!
//! How much a list may shrink is no question of LDAP: `members` measures that.

/// True for an LDAP result (RFC 4511 4.1.9) that tells of entries which were not sent, whatever came before it:
/// nothing of such an answer is used, and mail waits until there is a whole one.
///
/// Not a refused login or a server that is busy: then there is no answer, and `max_staleness` counts.
pub fn is_partial(result: u32) -> bool {
    matches!(
        result,
        // timeLimitExceeded, sizeLimitExceeded, partialResults (LDAPv2), referral, adminLimitExceeded
        3 | 4 | 9 | 10 | 11
        // noSuchObject, aliasDereferencingProblem, insufficientAccessRights
        | 32 | 36 | 50
    )
}
