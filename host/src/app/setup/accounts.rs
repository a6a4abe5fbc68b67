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

/// Returns the account with this name.
pub fn by_name(name: &str) -> Option<Account> {
    find(&read(), |account, _| account.name == name)
}

/// Returns the account of the user who runs this process.
pub fn current() -> Option<Account> {
    let own = rustix::process::geteuid().as_raw().to_string();
    find(&read(), |_, uid| uid == own)
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
}
