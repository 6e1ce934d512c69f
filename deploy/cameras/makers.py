"""Logins that cameras leave the factory with, by maker: public knowledge, and the first that others try."""

from __future__ import annotations

Login = tuple[str, str]

DEFAULTS: dict[str, tuple[Login, ...]] = {
    "海康 hikvision ds-2": (("admin", "12345"), ("admin", "123456"), ("admin", "admin12345")),
    "大华 dahua dh-": (("admin", "admin"), ("admin", "admin123"), ("888888", "888888")),
    "宇视 uniview": (("admin", "123456"), ("admin", "admin")),
    "天地伟业 tiandy": (("admin", "123456"), ("Admin", "1111")),
    "雄迈 xiongmai": (("admin", ""), ("default", "tluafed")),
    "axis": (("root", "pass"), ("root", "root")),
    "": (("admin", "12345"), ("admin", "admin"), ("admin", "123456"), ("admin", ""), ("root", "pass")),
}
"""Words of what a device is called, and its logins, those first that are met most; "" is any other."""

USUAL = frozenset(
    {
        *(password for logins in DEFAULTS.values() for _, password in logins),
        *(
            "1234",
            "12345678",
            "123456789",
            "1234567890",
            "111111",
            "000000",
            "666666",
            "888888",
            "9999",
            "4321",
        ),
        *("password", "password1", "admin888", "admin1234", "abcd1234", "a1234567", "qwerty123", "abc12345"),
        *(
            "hik12345",
            "hik123456",
            "dahua123",
            "system",
            "supervisor",
            "camera",
            "camera123",
            "ubnt",
            "fliradmin",
        ),
    }
)
"""Passwords that everybody knows, in lower case."""


def logins_of(model: str) -> list[Login]:
    """Return the logins to try at a device called ``model``, the likeliest first."""
    called = model.lower()
    own = [
        login
        for words, logins in DEFAULTS.items()
        if words and any(word in called for word in words.split())
        for login in logins
    ]
    return list(dict.fromkeys([*own, *DEFAULTS[""]]))
