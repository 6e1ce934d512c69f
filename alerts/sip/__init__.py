"""SIP as far as a device needs it that registers and sends messages: no calls, no media (RFC 3261)."""
