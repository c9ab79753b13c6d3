//! What looks like a secret on a console is blotted out before anything is kept of it. Blots too much
//! rather than too little: after a word such as `password` or `token` the value goes, unquoted all
//! the rest of the line with it.

use std::borrow::Cow;

use super::Pattern;

/// What stands where a secret was.
pub const BLOT: &str = "[blotted out]";

/// What secrets look like, whatever the product. The first group, or else all that matches, goes.
const EVERY_PRODUCT: [&str; 5] = [
    // password=…, "psk": "…", token is …
    r#"(?i)(?:passw(?:or)?d|passphrase|passcode|pwd|psk|secret|token|credential|api[_ -]?key|private[_ -]?key|authorization)[\w-]*(?:\[\w*\])?["']?\s*(?:[:=]+>?|\bis\b)\s*("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|.+)"#,
    // a long run of hex or base64 somewhere behind such a word
    r"(?i:key|seed|secret|token|psk|passw|credential).*?((?:[0-9A-Fa-f]{2}[ :-]?){8,}.*|[A-Za-z0-9+/_-]{24,}.*)",
    r"(?i)\b(?:bearer|basic)\s+([a-z0-9+/._~=-]{16,})",
    // a JSON Web Token
    r"\b(eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_.-]+)",
    // user:password@ in a URL
    r"://[^\s/:@]*:(\S+)@",
];

/// Heads of private keys in PEM; everything to the foot goes.
const PEM_HEAD: &str = "PRIVATE KEY-----";
const PEM_FOOT: &str = "-----END";

/// The patterns of one product's secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    patterns: Vec<Pattern>,
}

impl Secrets {
    /// Those of every product, and the manifest's own.
    pub fn new(own: Vec<Pattern>) -> Secrets {
        // that each compiles is tested: none is left out
        let usual = EVERY_PRODUCT
            .into_iter()
            .filter_map(|p| Pattern::new(p).ok());
        Secrets {
            patterns: usual.chain(own).collect(),
        }
    }

    /// Whether the value that the app prints under this name would be blotted out.
    pub fn covers(&self, name: &str) -> bool {
        let line = format!("{name}=1");
        self.blot(&line) != line
    }

    /// The line without its secrets.
    pub fn blot<'l>(&self, line: &'l str) -> Cow<'l, str> {
        let mut line = Cow::Borrowed(line);
        for pattern in &self.patterns {
            let places = pattern.regex().captures_iter(&line).filter_map(|captures| {
                let place = captures.get(1).or(captures.get(0))?;
                (!place.is_empty() && place.as_str() != BLOT).then(|| place.range())
            });
            let places: Vec<_> = places.collect();
            for place in places.into_iter().rev() {
                line.to_mut().replace_range(place, BLOT);
            }
        }
        line
    }
}

/// Blots out one console's lines, one after the other: a private key goes over several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Blotter {
    in_key: bool,
}

impl Blotter {
    /// The next line without its secrets.
    pub fn line<'l>(&mut self, secrets: &Secrets, line: &'l str) -> Cow<'l, str> {
        if self.in_key {
            self.in_key = !line.contains(PEM_FOOT);
            return Cow::Borrowed(BLOT);
        }
        if let Some(head) = line.find(PEM_HEAD) {
            self.in_key = !line[head..].contains(PEM_FOOT);
            let before = secrets.blot(line[..head].split("-----BEGIN").next().unwrap_or_default());
            return Cow::Owned(format!("{before}{BLOT}"));
        }
        secrets.blot(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let own = Pattern::new(r"serial (\d+)").unwrap();
        assert_eq!(Secrets::new(vec![own]).blot(line), expected, "{line}");
    }

    #[test]
    fn all_are_there() {
        assert_eq!(Secrets::new(Vec::new()).patterns.len(), EVERY_PRODUCT.len());
    }

    #[test]
    fn secrets_go() {
        check("wifi_password=hunter2", "wifi_password=[blotted out]");
        check(
            "I (12) app: Password: correct horse, battery",
            "I (12) app: Password: [blotted out]",
        );
        check(
            r#"{"psk":"a\"b","vbat":3300}"#,
            r#"{"psk":[blotted out],"vbat":3300}"#,
        );
        check("token[0] = 'x y' next", "token[0] = [blotted out] next");
        check("the secret is 12", "the secret is [blotted out]");
        check("api-key => 77", "api-key => [blotted out]");
        check(
            "flash key 00 11 22 33 44 55 66 77 88 99",
            "flash key [blotted out]",
        );
        check(
            "device key: 0123456789abcdef0123 ok",
            "device key: [blotted out]",
        );
        check(
            "seed at 0x3ffb: QUJDREVGR0hJSktMTU5PUFFS",
            "seed at 0x3ffb: [blotted out]",
        );
        check(
            "GET / Authorization: Bearer abcdefghijklmnopqrstuv",
            "GET / Authorization: [blotted out]",
        );
        check(
            "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig done",
            "jwt [blotted out] done",
        );
        check(
            "mqtt://user:p@ss@host/x",
            "mqtt://user:[blotted out]@host/x",
        );
        check("serial 4711 read", "serial [blotted out] read");
    }

    #[test]
    fn the_rest_stays() {
        for line in [
            "I (310) cpu_start: Pro cpu up.",
            "wifi:security: WPA2-PSK, phy: bgn",
            "ELF file SHA256:  3a5f0011223344556677",
            "vbat=3300 mV",
            "gpio key 3 pressed",
            "basic self-test done",
            "load:0x3fff0030,len:7176",
        ] {
            check(line, line);
        }
    }

    #[test]
    fn a_private_key_goes_from_head_to_foot() {
        let secrets = Secrets::new(Vec::new());
        let mut blotter = Blotter::default();
        let lines = [
            "cert: -----BEGIN EC PRIVATE KEY-----",
            "MHcCAQ",
            "-----END EC PRIVATE KEY-----",
            "done",
            "-----BEGIN PRIVATE KEY-----x-----END PRIVATE KEY----- y",
            "vbat=1",
        ];
        let blotted = lines.map(|line| blotter.line(&secrets, line).into_owned());
        assert_eq!(
            blotted,
            ["cert: [blotted out]", BLOT, BLOT, "done", BLOT, "vbat=1"]
        );
    }

    #[test]
    fn a_measurement_by_a_secrets_name_is_covered() {
        let secrets = Secrets::new(Vec::new());
        assert!(secrets.covers("token_count") && secrets.covers("PSK"));
        assert!(!secrets.covers("vbat") && !secrets.covers("key_slot"));
    }
}
