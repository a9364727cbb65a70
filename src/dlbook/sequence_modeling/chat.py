"""對話模板（chat template）：把多輪對話攤平成模型受訓時看過的那一種純文字。

格式是 SmolLM2 使用的 ChatML；Allal et al., SmolLM2, arXiv:2502.02737。
"""

from collections.abc import Sequence

SYSTEM_PROMPT = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def render_chat(messages: Sequence[dict[str, str]], add_generation_prompt: bool = True) -> str:
    """[{"role", "content"}, …] → 文字。沒給 system 就補預設的；結尾停在輪到 assistant 說話的地方。

    messages 是空的時丟出 ValueError。
    """
    if not messages:
        raise ValueError("對話是空的：至少要有一則訊息")
    if messages[0]["role"] != "system":
        messages = [{"role": "system", "content": SYSTEM_PROMPT}, *messages]
    text = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)
    return text + ("<|im_start|>assistant\n" if add_generation_prompt else "")
