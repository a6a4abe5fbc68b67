//! Looks up user accounts in `/etc/passwd`.

use std::{
    fs,
    path::{Path, PathBuf},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub home: PathBuf,
}

/// The folder that contains a file for each user whose services start at boot.
const LINGER_FOLDER: &str = "/var/lib/systemd/linger";

impl Account {
    /// Returns whether systemd starts this user's services at boot.
    pub fn lingers(&self) -> bool {
        Path::new(LINGER_FOLDER).join(&self.name).exists()
    }
}

/// Returns the account with this name.
pub fn by_name(name: &str) -> Option<Account> {
    find(&read(), |account, _| account.name == name)
}

/// Returns the account of the user who runs this process. An account that `/etc/passwd` doesn't contain, such as one
/// from LDAP, is described by `USER` and `HOME`.
pub fn current() -> Option<Account> {
    let own = rustix::process::geteuid().as_raw().to_string();
    find(&read(), |_, uid| uid == own).or_else(|| from_environment(|name| std::env::var(name).ok()))
}

fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Option<Account> {
    Some(Account { name: variable("USER")?, home: variable("HOME")?.into() })
}

fn read() -> String {
    fs::read_to_string("/etc/passwd").unwrap_or_default()
}

fn find(passwd: &str, is_wanted: impl Fn(&Account, &str) -> bool) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, _, _, home, ..] = fields.as_slice() else { return None };
        let account = Account { name: (*name).to_owned(), home: Path::new(home).to_owned() };
        is_wanted(&account, uid).then_some(account)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_name_and_by_id() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nada:x:1000:1000::/home/ada:/bin/sh\n";
        let ada = Account { name: "ada".to_owned(), home: "/home/ada".into() };
        assert_eq!(find(passwd, |account, _| account.name == "ada"), Some(ada.clone()));
        assert_eq!(find(passwd, |_, uid| uid == "1000"), Some(ada));
        assert_eq!(find(passwd, |account, _| account.name == "broken"), None);
    }

    #[test]
    fn the_environment_describes_an_account_outside_passwd() {
        let variable = |name: &str| Some(if name == "USER" { "ada" } else { "/home/ada" }.to_owned());
        let ada = Account { name: "ada".to_owned(), home: "/home/ada".into() };
        assert_eq!(from_environment(variable), Some(ada));
        assert_eq!(from_environment(|name| variable(name).filter(|_| name == "HOME")), None);
    }
}
