import base64

from hypothesis import given
from hypothesis import strategies as st

from terp.masking import STRUCK, Mask

KEY = "-----BEGIN SAMPLE KEY-----\nAAAAB3NzaC1yc2E\nQyNTUxOQAAACD\n-----END SAMPLE KEY-----\n"


def test_a_secret_is_struck_out_of_a_line():
    assert Mask(["hunter22"])("password=hunter22 for hunter22.") == f"password={STRUCK} for {STRUCK}."


def test_each_line_of_a_key_is_struck_out():
    said = Mask([KEY])(f"wrote {KEY} and again QyNTUxOQAAACD")
    assert "AAAAB3" not in said
    assert "QyNTU" not in said


def test_the_base64_of_a_secret_is_one_too():
    coded = base64.b64encode(b"hunter22").decode()
    assert Mask(["hunter22"])(f"secret: {coded}") == f"secret: {STRUCK}"


def test_a_secret_within_another_leaves_nothing_of_the_longer_one():
    assert Mask(["abcdef", "abcdefghij"])("abcdefghij") == STRUCK


def test_nothing_is_struck_out_of_ordinary_text():
    assert Mask(["", "a", "no"])("no secret here") == "no secret here"
    assert Mask()("text") == "text"


@given(st.lists(st.text("abcXYZ019", min_size=6, max_size=12), min_size=1, max_size=4), st.data())
def test_no_secret_is_left_wherever_it_stood(secrets, data):
    secret = data.draw(st.sampled_from(secrets))
    said = Mask(secrets)(f"before {secret} after")
    assert secret not in said
