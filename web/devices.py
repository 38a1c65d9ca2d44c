"""What kind of device a browser says that it is on, in two words. Pure.

What a browser calls itself (User-Agent) is a hint for whoever looks at their own sign-ins, and no
evidence: anything can be sent.
"""

BROWSERS = {
    "Edg": "edge", "OPR/": "opera", "SamsungBrowser": "samsung", "Firefox": "firefox",
    "FxiOS": "firefox", "CriOS": "chrome", "Chrome": "chrome", "Safari": "safari",
}  # fmt: skip
SYSTEMS = {
    "iPhone": "iphone", "iPad": "ipad", "Android": "android", "Windows": "windows",
    "CrOS": "chromebook", "Macintosh": "mac", "Linux": "linux",
}  # fmt: skip
"""In this order: Edge says Chrome too, everything says Safari, and Android says Linux."""


def device_of(user_agent: str) -> tuple[str, str]:
    """Browser and system, as the words' keys; "unknown" where neither is among the usual ones.

    >>> device_of("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604")
    ('safari', 'iphone')
    """
    return _first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)


def _first(names: dict[str, str], user_agent: str) -> str:
    return next((key for name, key in names.items() if name in user_agent), "unknown")
