"""Our modules and their counterparts in torch.nn, given the same weights and compared.

A *pair* is one of our parameters, the counterpart's parameter, and the rows of the latter that
hold it (``torch.nn.MultiheadAttention`` packs three projections into one matrix). A comparison
covers the outputs and the gradients of every input and every parameter, and first makes sure that
no parameter of either side was left out of the pairs.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from helpers.transformer.attention import attention_weights

TOLERANCE = 1e-10  # absolute, in float64
NEARLY_ONE = 1 - 1e-12  # as a dropout probability: it drops whatever it is applied to

Pair = tuple[nn.Parameter, nn.Parameter, slice]


def generator(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def tokens(vocab_size: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.randint(vocab_size, shape, generator=generator(seed))


def random_module(module: nn.Module, seed: int = 0) -> nn.Module:
    """Shift every parameter a little, so that no two norms and no biases are alike by default."""
    rng = generator(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=rng)
    return module


def random_mask(*shape: int, seed: int = 0) -> Tensor:
    """True = may attend, about half of it; the first key is open to every query."""
    mask = torch.rand(shape, generator=generator(seed)) < 0.5
    mask[..., 0] = True
    return mask


def with_weights(module: nn.Module, *args: object, **options: object) -> tuple[Tensor, ...]:
    """What a module returns, and the weights of every attention in it."""
    with attention_weights(module) as kept:
        output = module(*args, **options)
    return output, *kept


def run(module: nn.Module, ask: bool, *args: object, **options: object) -> tuple[Tensor, ...]:
    """The output, and the weights if we ask for them: two ways to compute the same."""
    if not ask:
        return (module(*args, **options),)
    return with_weights(module, *args, **options)


# Pairs of parameters


def simple_pairs(ours: nn.Module, reference: nn.Module) -> list[Pair]:
    """A Linear, LayerNorm or Embedding: the same names on both sides."""
    theirs = dict(reference.named_parameters())
    return [(p, theirs[name], slice(None)) for name, p in ours.named_parameters()]


def attention_pairs(ours: nn.Module, reference: nn.MultiheadAttention) -> list[Pair]:
    pairs = simple_pairs(ours.output_proj, reference.out_proj)
    for i, projection in enumerate([ours.query_proj, ours.key_proj, ours.value_proj]):
        rows = slice(i * ours.d_model, (i + 1) * ours.d_model)
        pairs.append((projection.weight, reference.in_proj_weight, rows))
        if reference.in_proj_bias is not None:
            pairs.append((projection.bias, reference.in_proj_bias, rows))
    return pairs


def encoder_layer_pairs(ours: nn.Module, reference: nn.TransformerEncoderLayer) -> list[Pair]:
    return _common_pairs(ours, reference, reference.norm2)


def decoder_layer_pairs(ours: nn.Module, reference: nn.TransformerDecoderLayer) -> list[Pair]:
    return [
        *_common_pairs(ours, reference, reference.norm3),
        *attention_pairs(ours.cross_attention, reference.multihead_attn),
        *simple_pairs(ours.cross_attention_norm, reference.norm2),
    ]


def _common_pairs(ours: nn.Module, reference: nn.Module, last_norm: nn.LayerNorm) -> list[Pair]:
    """What both kinds of layer have."""
    return [
        *attention_pairs(ours.self_attention, reference.self_attn),
        *simple_pairs(ours.self_attention_norm, reference.norm1),
        *simple_pairs(ours.feed_forward[0], reference.linear1),
        *simple_pairs(ours.feed_forward[3], reference.linear2),
        *simple_pairs(ours.feed_forward_norm, last_norm),
    ]


def encoder_pairs(ours: nn.Module, reference: nn.TransformerEncoder) -> list[Pair]:
    pairs = simple_pairs(ours.norm, reference.norm) if reference.norm is not None else []
    for our_layer, their_layer in zip(ours.layers, reference.layers, strict=True):
        pairs += encoder_layer_pairs(our_layer, their_layer)
    return pairs


# Counterparts of what torch.nn has no single class for


def sinusoids(max_len: int, d_model: int) -> Tensor:
    """The table of section 3.5, one number at a time."""
    table = torch.empty(max_len, d_model)
    for position in range(max_len):
        for i in range(d_model // 2):
            angle = position / math.pow(10000, 2 * i / d_model)
            table[position, 2 * i] = math.sin(angle)
            table[position, 2 * i + 1] = math.cos(angle)
    return table


def torch_encoder(
    num_layers: int, d_model: int, num_heads: int, d_hidden: int, *, norm_first: bool
) -> nn.TransformerEncoder:
    """A stack with a norm at its end in pre-norm only; torch's fast path for padding is off."""
    layer = nn.TransformerEncoderLayer(
        d_model, num_heads, d_hidden, dropout=0.0, batch_first=True, norm_first=norm_first
    )
    norm = nn.LayerNorm(d_model) if norm_first else None
    return nn.TransformerEncoder(layer, num_layers, norm, enable_nested_tensor=False)


def inverted(mask: Tensor | None, num_heads: int = 1) -> Tensor | None:
    """A mask as torch.nn wants it: True = hidden, and one matrix a head where examples differ."""
    if mask is None:
        return None
    if mask.dim() == 3:
        mask = mask.unsqueeze(1).expand(-1, num_heads, -1, -1)  # (B, H, T, S)
    return ~(mask.flatten(0, 1) if mask.dim() == 4 else mask)


def mean_and_maximum(x: Tensor, padding_mask: Tensor | None = None) -> Tensor:
    """A loop over the texts: what their real positions are on average, and at most."""
    rows = []
    for b in range(len(x)):
        real = x[b] if padding_mask is None else x[b][padding_mask[b]]
        rows.append(torch.cat([real.mean(0), real.max(0).values]))
    return torch.stack(rows)


class EncoderOnly(nn.Module):
    """Embedding and sinusoids, nn.TransformerEncoder, output layer.

    Of a whole text, pooled, where the output layer reads twice the width; else at each position.
    """

    def __init__(
        self, vectors: nn.Embedding, encoder: nn.TransformerEncoder, output: nn.Linear
    ) -> None:
        super().__init__()
        self.vectors, self.encoder, self.output = vectors, encoder, output

    def forward(
        self, ids: Tensor, mask: Tensor | None = None, padding_mask: Tensor | None = None
    ) -> Tensor:
        width = self.vectors.embedding_dim
        x = self.vectors(ids) * math.sqrt(width) + sinusoids(ids.shape[1], width)
        x = self.encoder(x, inverted(mask), inverted(padding_mask))
        if self.output.in_features == 2 * width:
            x = mean_and_maximum(x, padding_mask)
        return self.output(x)


def encoder_only_pairs(ours: nn.Module, reference: EncoderOnly) -> list[Pair]:
    return [
        *simple_pairs(ours.embedding.vectors, reference.vectors),
        *encoder_pairs(ours.encoder, reference.encoder),
        *simple_pairs(ours.output, reference.output),
    ]


# Comparison


def copy_weights(pairs: Sequence[Pair]) -> None:
    with torch.no_grad():
        for ours, theirs, rows in pairs:
            theirs[rows] = ours


def assert_close(actual: Tensor, expected: Tensor, tolerance: float = TOLERANCE) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance)


def assert_same(
    ours: nn.Module,
    reference: nn.Module,
    pairs: Sequence[Pair],
    run_ours: Callable[..., tuple[Tensor, ...]],
    run_reference: Callable[..., tuple[Tensor, ...]],
    inputs: Sequence[Tensor] = (),
) -> None:
    """Copy our weights to the reference, run both, compare all outputs and all gradients."""
    assert {id(p) for p, _, _ in pairs} == {id(p) for p in ours.parameters()}
    assert {id(p) for _, p, _ in pairs} == {id(p) for p in reference.parameters()}
    copy_weights(pairs)

    our_inputs = [x.clone().requires_grad_() for x in inputs]
    their_inputs = [x.clone().requires_grad_() for x in inputs]
    our_outputs, their_outputs = run_ours(*our_inputs), run_reference(*their_inputs)
    for actual, expected in zip(our_outputs, their_outputs, strict=True):
        assert_close(actual, expected)

    _backward(our_outputs)
    _backward(their_outputs)
    for actual, expected in zip(our_inputs, their_inputs, strict=True):
        assert actual.grad.abs().max() > 0
        assert_close(actual.grad, expected.grad)
    for actual, expected, rows in pairs:
        assert_close(actual.grad, expected.grad[rows])


def _backward(outputs: Sequence[Tensor]) -> None:
    """From the same random direction on both sides: a plain sum would hide what it cancels."""
    rng = generator(1)
    sum((x * torch.randn(x.shape, generator=rng)).sum() for x in outputs).backward()
