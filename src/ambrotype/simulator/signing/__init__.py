"""How URLs expire: one module a vendor family, each of which signs, checks and refuses as that vendor does.

`STYLES` is the list. A style's URLs begin with its name; what is behind it is the key, and sometimes a
bucket.
"""

from collections.abc import Mapping

from ambrotype.simulator.signing import azure, cloudfront, sigv4, unsigned
from ambrotype.simulator.signing.contract import Style


def styles() -> Mapping[str, Style]:
    """Every style by its name, with fresh secrets and an empty register of tokens."""
    every: tuple[Style, ...] = (
        sigv4.s3(),
        sigv4.tos(),
        sigv4.gcs(),
        cloudfront.Canned(),
        cloudfront.Custom(),
        azure.Azure(),
        unsigned.replicate(),
        unsigned.fal(),
        unsigned.wavespeed(),
        unsigned.Public(),
    )
    return {style.name: style for style in every}
