"""A language model of half a megabyte with random weights: it answers gibberish, at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType

WIDTH, INNER, LAYERS, HEADS, CONTEXT = 64, 128, 2, 4, 4096
SPECIAL = ["<unk>", "<s>", "</s>"]


def write_tiny_model(path: Path, seed: int = 1) -> bytes:
    """Write the model to a file, in the form that llama.cpp and so Ollama reads; return that."""
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    tokens = _add_tokens(writer)
    chances = np.random.default_rng(seed)

    def add(name: str, *shape: int) -> None:
        values = chances.standard_normal(shape, dtype=np.float32) / np.float32(shape[-1] ** 0.5)
        writer.add_tensor(name, values)

    def add_norm(name: str) -> None:
        writer.add_tensor(name, np.ones(WIDTH, dtype=np.float32))

    add("token_embd.weight", tokens, WIDTH)
    add_norm("output_norm.weight")
    add("output.weight", tokens, WIDTH)
    for layer in range(LAYERS):
        add_norm(f"blk.{layer}.attn_norm.weight")
        add_norm(f"blk.{layer}.ffn_norm.weight")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{name}.weight", WIDTH, WIDTH)
        for name in ("ffn_gate", "ffn_up"):
            add(f"blk.{layer}.{name}.weight", INNER, WIDTH)
        add(f"blk.{layer}.ffn_down.weight", WIDTH, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def _add_tokens(writer: GGUFWriter) -> int:
    """Add a vocabulary that can spell every text: all bytes, and the printable characters."""
    letters = ["\u2581", *map(chr, range(33, 127))]
    raw = [f"<0x{byte:02X}>" for byte in range(256)]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([*SPECIAL, *raw, *letters])
    writer.add_token_scores(
        [0.0] * (len(SPECIAL) + len(raw)) + [-1.0 * n for n in range(len(letters))]
    )
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL]
    kinds += [TokenType.BYTE] * len(raw) + [TokenType.NORMAL] * len(letters)
    writer.add_token_types([int(kind) for kind in kinds])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    return len(kinds)
