"""What a source says when it cannot serve an asset."""


class SourceError(Exception):
    """This source could not serve the asset; the message says why (zh-TW, no full stop)."""
