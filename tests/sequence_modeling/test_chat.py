"""The chat template, character by character."""

import pytest

from dlbook.sequence_modeling.chat import SYSTEM_PROMPT, render_chat


def test_chat_template_marks_every_turn():
    text = render_chat([{"role": "user", "content": "Hi"}])
    assert text == (
        f"<|im_start|>system\n{SYSTEM_PROMPT}<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )
    own_system = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]
    assert render_chat(own_system, add_generation_prompt=False) == (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n"
    )


def test_an_empty_conversation_is_an_error():
    with pytest.raises(ValueError, match="至少要有一則訊息"):
        render_chat([])
