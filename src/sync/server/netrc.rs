//! The password of a machine in a netrc text (protocol, section 2.2).
//!
//! Tokens are parted by white space and may be quoted; a word that begins with `#` opens a comment up to the end of its
//! line; `macdef` runs to the next empty line.

/// The password for `machine`, else that of the `default` entry. Of repeated entries the last counts.
pub fn password(text: &str, machine: &str) -> Option<String> {
    let mut words = Words { rest: text };
    let mut entry = Entry::None;
    let (mut of_machine, mut of_default) = (None, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "machine" => {
                let named = words.next()?;
                entry = if named.eq_ignore_ascii_case(machine) { Entry::Wanted } else { Entry::Other };
            }
            "default" => entry = Entry::Default,
            "macdef" => words.skip_paragraph(),
            "login" | "user" | "account" => drop(words.next()),
            "password" => match entry {
                Entry::Wanted => of_machine = words.next(),
                Entry::Default => of_default = words.next(),
                Entry::Other | Entry::None => drop(words.next()),
            },
            comment if comment.starts_with('#') => words.skip_line(),
            _ => {}
        }
    }
    of_machine.or(of_default).filter(|password| !password.is_empty())
}

enum Entry {
    None,
    Wanted,
    Default,
    Other,
}

struct Words<'a> {
    rest: &'a str,
}

impl Words<'_> {
    fn next(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let quoted = self.rest.starts_with('"');
        let mut word = String::new();
        let mut characters = self.rest.char_indices().skip(usize::from(quoted));
        let mut end = self.rest.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => word.extend(characters.next().map(|(_, escaped)| escaped)),
                '"' if quoted => {
                    end = at + 1;
                    break;
                }
                space if !quoted && space.is_whitespace() => {
                    end = at;
                    break;
                }
                other => word.push(other),
            }
        }
        let found = !self.rest.is_empty();
        self.rest = self.rest.get(end..).unwrap_or_default();
        found.then_some(word)
    }

    fn skip_line(&mut self) {
        self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
    }

    fn skip_paragraph(&mut self) {
        while let Some((line, rest)) = self.rest.split_once('\n') {
            self.rest = rest;
            if line.trim().is_empty() {
                return;
            }
        }
        self.rest = "";
    }
}

#[cfg(test)]
mod tests {
    use super::password;

    #[test]
    fn an_entry_may_stand_on_one_line_or_several() {
        let text =
            "machine api.wandb.ai login user password one\nmachine 127.0.0.1:8991\n  login user\n  password two\n";
        assert_eq!(password(text, "api.wandb.ai").as_deref(), Some("one"));
        assert_eq!(password(text, "127.0.0.1:8991").as_deref(), Some("two"));
    }

    #[test]
    fn the_port_is_part_of_the_machines_name() {
        let text = "machine 127.0.0.1 login user password other\n";
        assert_eq!(password(text, "127.0.0.1:8991"), None);
    }

    #[test]
    fn the_default_entry_serves_every_other_machine() {
        let text = "machine a login u password of-a\ndefault login u password of-default\n";
        assert_eq!(password(text, "a").as_deref(), Some("of-a"));
        assert_eq!(password(text, "b").as_deref(), Some("of-default"));
    }

    #[test]
    fn comments_quotes_and_macros_are_understood() {
        let text = "# machine a password wrong\nmacdef init\nmachine a password wrong\n\nmachine a # the machine\n\
                    login u password \"with \\\"space #\"\nmachine b login u password tail#kept";
        assert_eq!(password(text, "a").as_deref(), Some("with \"space #"));
        assert_eq!(password(text, "b").as_deref(), Some("tail#kept"));
    }

    #[test]
    fn words_of_the_format_may_be_values() {
        assert_eq!(password("machine password login machine password default", "password").as_deref(), Some("default"));
    }

    #[test]
    fn a_torn_or_empty_text_gives_nothing() {
        for text in ["", "machine", "machine a", "machine a password", "machine a password \"\"", "password x", "\""] {
            assert_eq!(password(text, "a"), None, "{text:?}");
        }
    }
}
