"""序列模型：注意力、Llama 的各個零件、KV cache、取樣，以及打開模型往裡看的工具。

一個概念一個檔案。建議的閱讀順序：``attention``、``norms``、``rope``、``kv_cache``、``llama``、
``sampling``、``chat``、``interpretability``、``sparse_autoencoder``。
"""
