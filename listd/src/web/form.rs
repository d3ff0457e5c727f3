//! What a form says: its fields, however a browser, a provider's machine or a text browser packs them.
//!
//! Not what the fields mean.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};

/// Largest request (octets).
pub const MAX_BODY: usize = 64 * 1024;
/// Most fields of one form.
const MAX_FIELDS: usize = 40;

/// Fields in the order sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// The first field of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Why a request holds no form that can be read, as the status that says so.
pub type Unread = StatusCode;

/// Reads a form that is sent as `application/x-www-form-urlencoded` or `multipart/form-data`.
pub async fn read(request: Request) -> Result<Form, Unread> {
    let kind = content_type(request.headers()).to_owned();
    let body = axum::body::to_bytes(request.into_body(), MAX_BODY).await;
    let body = body.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let bare = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match bare.as_str() {
        "application/x-www-form-urlencoded" => {
            let fields = form_urlencoded::parse(&body).into_owned();
            Ok(Form(fields.take(MAX_FIELDS).collect()))
        }
        "multipart/form-data" => {
            let boundary = multer::parse_boundary(&kind).map_err(|_| StatusCode::BAD_REQUEST)?;
            multipart(body.into(), boundary).await.map_err(|_| StatusCode::BAD_REQUEST)
        }
        _ => Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
    }
}

async fn multipart(body: Body, boundary: String) -> Result<Form, multer::Error> {
    let mut parts = multer::Multipart::new(body.into_data_stream(), boundary);
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await? {
        if fields.len() == MAX_FIELDS {
            break;
        }
        let name = part.name().unwrap_or_default().to_owned();
        fields.push((name, String::from_utf8_lossy(&part.bytes().await?).into_owned()));
    }
    Ok(Form(fields))
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn form(kind: &str, body: &str) -> Result<Form, Unread> {
        let request = Request::post("/").header("content-type", kind).body(body.to_owned().into());
        read(request.expect("a request")).await
    }

    const PARTS: &str = "--b\r\ncontent-disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n\
        --b\r\ncontent-disposition: form-data; name=\"why\"; filename=\"x\"\r\ncontent-type: text/plain\r\n\r\nä\r\n--b--\r\n";

    /// H9: both ways to pack a form, and nothing else.
    #[tokio::test]
    async fn both_ways_to_pack_a_form() {
        let urlencoded = "application/x-www-form-urlencoded; charset=UTF-8";
        let fields =
            form(urlencoded, "List-Unsubscribe=One-Click&why=%C3%A4+b").await.expect("fine");
        assert_eq!(fields.get("List-Unsubscribe"), Some("One-Click"));
        assert_eq!((fields.get("why"), fields.get("other")), (Some("ä b"), None));
        let fields = form("Multipart/Form-Data; boundary=b", PARTS).await.expect("fine");
        assert_eq!(fields.get("List-Unsubscribe"), Some("One-Click"));
        assert_eq!(fields.get("why"), Some("ä"));
        assert_eq!(form(urlencoded, "").await, Ok(Form::default()));
    }

    /// Promise 10: what is no form, or too much of one, is refused.
    #[tokio::test]
    async fn what_is_no_form() {
        let cases = [
            ("", "a=b", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            ("text/plain", "a=b", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            ("application/json", "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            ("multipart/form-data", PARTS, StatusCode::BAD_REQUEST),
            ("multipart/form-data; boundary=c", PARTS, StatusCode::BAD_REQUEST),
            ("multipart/form-data; boundary=b", "--b\r\n\r\nx", StatusCode::BAD_REQUEST),
        ];
        for (kind, body, status) in cases {
            assert_eq!(form(kind, body).await, Err(status), "{kind}");
        }
        let long = format!("a={}", "b".repeat(MAX_BODY));
        let urlencoded = "application/x-www-form-urlencoded";
        assert_eq!(form(urlencoded, &long).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        let many = form(urlencoded, &"a=b&".repeat(1_000)).await.expect("a form");
        assert_eq!(many.0.len(), MAX_FIELDS);
    }
}
