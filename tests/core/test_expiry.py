"""When a URL dies is read exactly, by the earliest signal, and no text upsets the reader."""

import base64
import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ambrotype.core import expiry, schemes
from tests.core import signing

NOW = signing.NOW
HOUR = datetime.timedelta(hours=1)
issues = st.datetimes(datetime.datetime(2016, 1, 1), datetime.datetime(2030, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=datetime.UTC)
)
lives = st.integers(1, expiry.DAY * 7)
numbers = st.one_of(st.integers(), st.integers(10**9, 10**14), st.floats(), st.just("NaN"), st.text(max_size=8)).map(
    str
)
names = st.sampled_from(
    sorted({name for scheme in schemes.SCHEMES for name in (*scheme.needs, *scheme.signature)} | {*expiry.GENERIC})
)
values = st.one_of(numbers, st.text(max_size=60), st.binary(max_size=60).map(lambda b: base64.b64encode(b).decode()))
queries = st.lists(st.tuples(names, values), max_size=12).map(lambda some: "&".join(f"{k}={v}" for k, v in some))
urls = st.builds(
    lambda host, path, query: f"https://{host}/{path}?{query}",
    st.sampled_from(
        ["a.example", "cdn.discordapp.com", "x.b-cdn.net", "p.supabase.co", "image.mux.com", "[::1]", "[", ""]
    ),
    st.one_of(st.text(max_size=30), queries, st.just("storage/v1/object/sign/b/x")),
    queries,
)


def read(url: str, **more: object) -> expiry.Expiry:
    return expiry.read(url, now=NOW, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", signing.MAKERS)
@settings(max_examples=25)
@given(issued=issues, ttl=lives)
def test_every_scheme_is_read_to_the_second(scheme: str, issued: datetime.datetime, ttl: int) -> None:
    rule, make = signing.MAKERS[scheme]
    at = issued + datetime.timedelta(seconds=ttl)
    assert read(make(issued, ttl)) == expiry.Expiry(at=at, rule=rule, assumed=False)


def test_every_scheme_of_the_table_has_a_sample() -> None:
    assert {scheme.rule for scheme in schemes.SCHEMES} == {rule for rule, _ in signing.MAKERS.values()}


def test_parameter_names_are_read_in_any_case() -> None:
    url = signing.s3(NOW, 60)
    place, query = url.split("?")
    assert read(f"{place}?{query.lower()}").at == read(f"{place}?{query.upper()}").at == read(url).at


def test_no_s3_url_outlives_the_week_that_the_protocol_allows() -> None:
    assert read(signing.s3(NOW, 10**7)).at == NOW + datetime.timedelta(days=7)


@settings(max_examples=50)
@given(issued=issues, first=lives, second=lives, third=lives)
def test_the_earliest_of_several_signals_wins(issued: datetime.datetime, first: int, second: int, third: int) -> None:
    token = signing.jwt({"exp": signing.end(issued, second)})
    told = issued + datetime.timedelta(seconds=third)
    found = read(f"{signing.s3(issued, first)}&jwt={token}", told=told)
    ends = {"s3-sigv4": first, "jwt": second, "told": third}
    assert found.at == issued + datetime.timedelta(seconds=min(ends.values()))
    assert ends[found.rule] == min(ends.values())


def test_of_repeated_parameters_the_earliest_counts() -> None:
    url = f"{signing.cloudfront_canned(NOW, 600)}&Expires={signing.end(NOW, 60)}&Expires=x"
    assert read(url).at == NOW + datetime.timedelta(seconds=60)


def test_a_url_past_its_end_says_so() -> None:
    assert read(signing.tos(NOW - 48 * HOUR, expiry.DAY)).at == NOW - 24 * HOUR


@pytest.mark.parametrize(
    "text", ["2026-03-02", "2026-03-02T00:00Z", "2026-03-02T00:00:00.0000000Z", "2026-03-02T01:00:00%2B01:00"]
)
def test_azure_times_come_in_several_forms(text: str) -> None:
    url = f"https://a.blob.core.windows.net/c/fox.png?sv=2024&sp=r&se={text}&sig=abc"
    assert read(url).at == datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)


@pytest.mark.parametrize("name", expiry.GENERIC)
def test_a_parameter_that_is_called_like_an_expiry_is_one(name: str) -> None:
    seconds = signing.end(NOW, 90)
    for value in (seconds, seconds * 1000):
        found = read(f"https://cdn.example/fox.png?{name.upper()}={value}")
        assert found == expiry.Expiry(at=NOW + 0.025 * HOUR, rule=f"generic:{name}", assumed=False)


@pytest.mark.parametrize(
    "value",
    [
        "1420070400",
        "0000000600",
        "600",
        "4102444800",
        "9999999999999",
        "123456789012",
        "-177237000",
        "１７７２３６７０００",
        "NaN",
    ],
)
def test_an_implausible_number_is_not_taken_for_an_expiry(value: str) -> None:
    assert read(f"https://cdn.example/fox.png?expires={value}").rule == "provider-policy:unknown"


def test_milliseconds_are_told_from_seconds() -> None:
    url = f"https://media.example.com/x?t={signing.jwt({'exp': signing.end(NOW, 60) * 1000})}"
    assert read(url).at == NOW + datetime.timedelta(seconds=60)


@pytest.mark.parametrize(
    ("url", "provider", "rule", "seconds"),
    [
        ("https://v3b.fal.media/files/a/fox.png", None, "fal", 7 * expiry.DAY),
        ("https://storage.googleapis.com/falserverless/fox.png", None, "fal", 7 * expiry.DAY),
        ("https://storage.googleapis.com/other/fox.png", None, "unknown", 3600),
        ("https://REPLICATE.delivery/xezq/out.png", None, "replicate", 3600),
        ("https://replicate.delivery/xezq/out.png", "fal", "replicate", 3600),
        ("https://ark.tos-cn-beijing.volces.com/fox.png", None, "ark", expiry.DAY),
        ("https://oaidalleapiprodscus.blob.core.windows.net/fox.png", None, "openai", 3600),
        ("https://dnznrvs05pmza.cloudfront.net/fox.mp4", None, "runway", expiry.DAY),
        ("https://d1q70pf5vjeyhc.cloudfront.net/predictions/a/1.png", None, "wavespeed", expiry.DAY),
        ("https://cdn.example/fox.png", " Veo ", "veo", 2 * expiry.DAY),
        ("https://cdn.example/fox.png", "nobody", "unknown", 3600),
        ("https://evilreplicate.delivery.example/fox.png", None, "unknown", 3600),
        ("not a URL", None, "unknown", 3600),
    ],
)
def test_without_a_signal_the_policy_of_provider_or_host_counts(
    url: str, provider: str | None, rule: str, seconds: int
) -> None:
    at = NOW + datetime.timedelta(seconds=seconds)
    assert read(url, provider=provider) == expiry.Expiry(at=at, rule=f"provider-policy:{rule}", assumed=True)


def test_a_policy_counts_from_the_jobs_completion_which_is_never_later_than_now() -> None:
    url = "https://replicate.delivery/xezq/out.png"
    assert read(url, completed_at=NOW - HOUR / 2).at == NOW + HOUR / 2
    assert read(url, completed_at=NOW + 100 * HOUR).at == NOW + HOUR


def test_an_installations_retention_overrides_the_table_row_by_row() -> None:
    assert read("https://a.fal.media/x.png", retention={"fal": 60}).at == NOW + HOUR / 60
    assert read("https://cdn.example/x.png", retention={"fal": 60}).at == NOW + HOUR
    assert read("https://a.fal.media/x.png", retention={"fal": 10**15}).at is None


def test_a_provider_that_says_never_is_believed_unless_the_url_knows_better() -> None:
    never = expiry.Expiry(at=None, rule="told", assumed=False)
    assert read("https://a.fal.media/x.png", told=expiry.NEVER) == never
    assert read(signing.s3(NOW, 60), told=expiry.NEVER).rule == "s3-sigv4"


def test_the_lifecycle_header_is_read() -> None:
    header = 'expiry-date="Sat, 07 Mar 2026 00:00:00 GMT", rule-id="outputs"'
    at = datetime.datetime(2026, 3, 7, tzinfo=datetime.UTC)
    assert expiry.read_header(header) == expiry.Expiry(at=at, rule="x-amz-expiration", assumed=False)


@pytest.mark.parametrize(
    "header", ["", "max-age=60", 'expiry-date="soon"', 'expiry-date="Sat, 77 Foo 2026 00:00:00 GMT"']
)
def test_any_other_header_says_nothing(header: str) -> None:
    assert expiry.read_header(header) is None


def token(claims: str) -> str:
    return f"token=aaaa.{base64.urlsafe_b64encode(claims.encode()).decode()}.sig"


def policy(text: str) -> str:
    return f"Policy={base64.b64encode(text.encode()).decode()}&Signature=a&Key-Pair-Id=b"


@pytest.mark.parametrize(
    "query",
    [
        token("[" * 5000 + "]" * 5000),
        token('{"exp":' + "9" * 5000 + "}"),
        token('{"exp":1e999}'),
        token('{"exp":NaN}'),
        token('{"exp":true}'),
        token('{"exp":[1]}'),
        token("[1, 2, 3]"),
        f"token=aaaa.{'_' * 4001}.sig",
        policy('{"Statement":[7,null,{"Condition":[]}]}'),
        policy('{"Statement":"x"}'),
        policy("[" * 10_000),
        f"Expires={'9' * 9000}&Signature=a&Key-Pair-Id=b",
        "Expires=999999999999&Signature=a&Key-Pair-Id=b",
        "X-Amz-Date=99991231T235959Z&X-Amz-Expires=604800",
        "X-Amz-Date=20260230T000000Z&X-Amz-Expires=60",
        "X-Amz-Date=20260301T000000Z&X-Amz-Expires=-5",
        "se=0001-01-01T00:00:00%2B14:00&sig=a",
        "q-sign-time=;;;",
        "ex=zz&is=&hm=",
        "hdnts=exp=~exp~~hmac=",
        "%",
        "&&&=&=",
        "\ud800=\udfff",
    ],
)
def test_what_cannot_be_read_is_no_signal(query: str) -> None:
    assert read(f"https://cdn.example/fox.png?{query}").rule == "provider-policy:unknown"


def test_an_endless_url_is_not_taken_apart() -> None:
    assert read("https://cdn.example/?" + "token=a.b.c&" * 100_000).assumed
    assert read("https://cdn.example/" + "a=b&" * 2_000 + "/" * 8_000).assumed


@settings(max_examples=300)
@given(st.one_of(st.text(), urls, st.text(alphabet=st.characters(), max_size=40).map(lambda text: f"http://{text}")))
def test_no_text_makes_the_reader_fail(url: str) -> None:
    found = read(url)
    assert found.at is not None
    assert found.at.utcoffset() == datetime.timedelta(0)
    assert found.assumed is found.rule.startswith("provider-policy:")


@given(st.text(max_size=200))
def test_no_header_makes_the_reader_fail(header: str) -> None:
    assert expiry.read_header(header) is None
