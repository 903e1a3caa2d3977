"""CRC-32C (Castagnoli, RFC 3720 appendix B.4), as Google's `x-goog-hash` carries it. Fast enough for a few
megabytes.
"""

_POLYNOMIAL = 0x82F63B78


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = tuple(_entry(byte) for byte in range(256))


def checksum(data: bytes) -> int:
    """The checksum of all of `data`, as an unsigned 32-bit number."""
    table, crc = _TABLE, 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF
