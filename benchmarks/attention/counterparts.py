"""Our attention, layers and Transformer, and what in ``torch.nn`` does the same work.

Each function makes both sides of one comparison. ``torch.nn`` is told which mask is causal and does
not return weights unasked. In evaluation it takes its fast path, as it does by default, but without
dropping the padding (nested tensors), so that both sides compute every position. Dropout is off, as
in most models of lessons 03 and 04. ``tests/test_bench_attention.py`` copies the weights and
compares outputs and gradients.

Dimensions: ``B`` batch, ``T`` positions, ``D`` model width, ``H`` heads, ``V`` vocabulary.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from helpers.transformer import (
    DecoderLayer,
    EncoderLayer,
    MultiHeadAttention,
    Transformer,
    attention_weights,
    causal_mask,
    padding_mask,
    sinusoidal_encoding,
)


@dataclass(frozen=True)
class Sizes:
    """What is computed; ``padded`` adds sequences of random lengths and their padding mask."""

    batch: int
    length: int
    width: int
    heads: int
    hidden: int
    vocab: int
    padded: bool = False


@dataclass(frozen=True)
class Side:
    """A module, what it is called with, and a call that returns a tuple, the output first."""

    module: nn.Module
    call: Callable[..., tuple[Tensor, ...]]
    inputs: tuple[Tensor, ...] = ()


def attention(sizes: Sizes, *, need_weights: bool = False) -> tuple[Side, Side]:
    """Self-attention, ours and torch's; asked for weights, both return those of every head."""
    ours = MultiHeadAttention(sizes.width, sizes.heads)
    theirs = nn.MultiheadAttention(sizes.width, sizes.heads, batch_first=True)
    real, hidden = _padding(sizes)

    def call_ours(x: Tensor) -> tuple[Tensor, ...]:
        if not need_weights:
            return (ours(x, x, x, padding_mask=real),)
        with attention_weights(ours) as kept:
            output = ours(x, x, x, padding_mask=real)
        return output, *kept

    def call_theirs(x: Tensor) -> tuple[Tensor, ...]:
        options = {"need_weights": need_weights, "average_attn_weights": False}
        result = theirs(x, x, x, key_padding_mask=hidden, **options)
        return result if need_weights else result[:1]

    inputs = (_vectors(sizes),)
    return Side(ours, call_ours, inputs), Side(theirs, call_theirs, inputs)


def encoder_layer(sizes: Sizes) -> tuple[Side, Side]:
    """One post-norm encoder layer."""
    layer = (sizes.width, sizes.heads, sizes.hidden, 0.0)
    ours = EncoderLayer(*layer[:3], dropout=0.0)
    theirs = nn.TransformerEncoderLayer(*layer, batch_first=True)
    real, hidden = _padding(sizes)
    inputs = (_vectors(sizes),)
    return (
        Side(ours, lambda x: (ours(x, padding_mask=real),), inputs),
        Side(theirs, lambda x: (theirs(x, src_key_padding_mask=hidden),), inputs),
    )


def decoder_layer(sizes: Sizes) -> tuple[Side, Side]:
    """One post-norm decoder layer with a causal mask, over a memory as long as its input."""
    layer = (sizes.width, sizes.heads, sizes.hidden, 0.0)
    ours = DecoderLayer(*layer[:3], dropout=0.0)
    theirs = nn.TransformerDecoderLayer(*layer, batch_first=True)
    real, hidden = _padding(sizes)
    causal = causal_mask(sizes.length)
    future = ~causal
    inputs = (_vectors(sizes), _vectors(sizes))

    def call_ours(x: Tensor, memory: Tensor) -> tuple[Tensor]:
        return (ours(x, memory, causal, padding_mask=real, memory_padding_mask=real),)

    def call_theirs(x: Tensor, memory: Tensor) -> tuple[Tensor]:
        masks = {"tgt_key_padding_mask": hidden, "memory_key_padding_mask": hidden}
        return (theirs(x, memory, future, tgt_is_causal=True, **masks),)

    return Side(ours, call_ours, inputs), Side(theirs, call_theirs, inputs)


class TorchTransformer(nn.Module):
    """``nn.Transformer`` between embeddings and an output layer, as ``Transformer`` is built.

    One layer each and post-norm, without the norm that ``nn.Transformer`` would add at the end of
    both stacks and the paper does not have.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        layer = (sizes.width, sizes.heads, sizes.hidden, 0.0)
        self.source = nn.Embedding(sizes.vocab, sizes.width)
        self.target = nn.Embedding(sizes.vocab, sizes.width)
        self.register_buffer("positions", sinusoidal_encoding(sizes.length, sizes.width))
        encoder = nn.TransformerEncoderLayer(*layer, batch_first=True)
        decoder = nn.TransformerDecoderLayer(*layer, batch_first=True)
        self.transformer = nn.Transformer(
            *layer[:2],
            custom_encoder=nn.TransformerEncoder(encoder, 1, enable_nested_tensor=False),
            custom_decoder=nn.TransformerDecoder(decoder, 1),
            batch_first=True,
        )
        self.output = nn.Linear(sizes.width, sizes.vocab)

    def forward(self, src: Tensor, tgt: Tensor, hidden: Tensor | None) -> Tensor:
        """Return logits ``(B, T, V)``; ``hidden`` is True where either sequence is padding."""
        x = self.transformer(
            self._embed(self.source, src),
            self._embed(self.target, tgt),
            tgt_mask=~causal_mask(tgt.shape[1]),  # nn.TransformerDecoder sees that it is causal
            src_key_padding_mask=hidden,
            tgt_key_padding_mask=hidden,
            memory_key_padding_mask=hidden,
        )
        return self.output(x)

    def _embed(self, vectors: nn.Embedding, ids: Tensor) -> Tensor:
        return vectors(ids) * math.sqrt(vectors.embedding_dim) + self.positions[: ids.shape[1]]


def transformer(sizes: Sizes) -> tuple[Side, Side]:
    """Encoder and decoder of one layer each, from token ids to logits."""
    ours = Transformer(
        sizes.vocab,
        sizes.vocab,
        d_model=sizes.width,
        num_heads=sizes.heads,
        d_hidden=sizes.hidden,
        num_layers=1,
        dropout=0.0,
    )
    theirs = TorchTransformer(sizes)
    src, tgt = torch.randint(sizes.vocab, (2, sizes.batch, sizes.length))
    real, hidden = _padding(sizes)
    masks = {"src_padding_mask": real, "tgt_padding_mask": real}
    return (
        Side(ours, lambda: (ours(src, tgt, **masks),)),
        Side(theirs, lambda: (theirs(src, tgt, hidden),)),
    )


SUBJECTS = {
    "`MultiHeadAttention`": attention,
    "`EncoderLayer`": encoder_layer,
    "`DecoderLayer`": decoder_layer,
    "`Transformer`": transformer,
}


def _vectors(sizes: Sizes) -> Tensor:
    return torch.randn(sizes.batch, sizes.length, sizes.width, requires_grad=True)


def _padding(sizes: Sizes) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """Return the mask of real tokens, ``(B, T)``, and torch.nn's opposite; None if unpadded."""
    if not sizes.padded:
        return None, None
    lengths = torch.randint(sizes.length // 4, sizes.length + 1, (sizes.batch,))
    real = padding_mask(lengths, sizes.length)
    return real, ~real


def training_step(side: Side) -> Callable[[], None]:
    """Return a call of forward and backward, from one random direction; it leaves no gradient."""
    side.module.train()
    direction = torch.randn_like(side.call(*side.inputs)[0])

    def step() -> None:
        outputs = side.call(*side.inputs)
        outputs[0].backward(direction)
        for leaf in (*side.module.parameters(), *side.inputs):
            leaf.grad = None

    return step


def inference(side: Side) -> Callable[[], None]:
    """Return a call of the forward pass alone."""

    def step() -> None:
        with torch.no_grad():
            side.call(*side.inputs)

    side.module.eval()
    return step
