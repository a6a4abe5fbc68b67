//! The login to a hub. The token is used for one call only and never shown.

use cordboard_plugin::http::Response;

use crate::config::Config;

/// The path of the API endpoint that checks a password and returns a token.
pub const PATH: &str = "/api/collections/users/auth-with-password";

/// Returns the body of the login. `password` is a placeholder, which the Cordboard host replaces with the password.
pub fn body(user: &str, password: &str) -> String {
    serde_json::json!({ "identity": user, "password": password }).to_string()
}

/// Reads the token from the response to the login.
///
/// # Errors
/// The hub rejected the login, or the response has an unknown format. The text is one line for the operator.
pub fn token(config: &Config, response: Response) -> Result<String, String> {
    // The hub responds to a wrong password with 400, not 401. It responds with 401 if it requires a second factor.
    match response.status {
        400 => return Err(config.server().login_refused(&response)),
        401 => return Err(config.server().forbidden(PATH, &response)),
        _ => {}
    }
    config.server().read(PATH, response, |json| json.at("token")?.text().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_plugin::config::parse_text;
    use homelab::testing::response;

    fn token_of(status: u16, body: &str) -> Result<String, String> {
        let config = parse_text::<Config>(r#"{"url":"https://hub","user":"chat@home.lan"}"#).expect("valid input");
        token(&config, response(status, body))
    }

    #[test]
    fn the_token_is_parsed_and_a_refusal_names_the_keys() {
        assert_eq!(
            token_of(200, include_str!("../tests/data/login.json")).as_deref(),
            Ok("eyJhbGciOiJIUzI1NiJ9.c3RhbmQtaW4.x")
        );
        let refusal = "Beszel refused the login (400: Failed to authenticate). Check user and its secret in [plugins.beszel.config].";
        assert_eq!(token_of(400, include_str!("../tests/data/login-refused.json")), Err(refusal.to_owned()));
        let factor = token_of(401, r#"{"mfaId":"x"}"#).expect_err("it needs more input");
        assert!(factor.ends_with(
            "Allow the user to log in with a password (the hub's DISABLE_PASSWORD_AUTH and MFA_OTP must be off)."
        ));
        let error = token_of(200, "{}").expect_err("there is no token");
        assert!(error.ends_with(": `token` is missing. Supported: a Beszel hub, 0.5 to 0.18."), "{error}");
        assert_eq!(body("a\"b", "x"), r#"{"identity":"a\"b","password":"x"}"#);
    }
}
