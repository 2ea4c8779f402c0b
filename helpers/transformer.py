"""Whole Transformers: the encoder-decoder and a causal language model.

Scope: from token ids to logits. The encoder-decoder is the paper's. The language model takes one
half of it, in the manner of GPT: a stack with a causal mask. The other half, a stack without one
that judges a whole text, is in ``helpers.classifiers``.

The parts that the models are made of come from ``helpers.layers`` and can be imported from here as
well.

Source: Vaswani et al., "Attention Is All You Need", 2017, https://arxiv.org/abs/1706.03762

Dimensions: ``B`` batch, ``T`` positions, ``S`` positions of the source, ``D`` model width,
``H`` heads, ``V`` vocabulary.
Every model is batch first, and in every mask True = may attend.
"""

import torch
from torch import Tensor, nn

from helpers.attention import causal_mask
from helpers.checks import check_floats, check_in_range, check_int, check_mask, check_sizes
from helpers.layers import (
    DecoderLayer,
    Encoder,
    EncoderLayer,
    FeedForward,
    PositionalEncoding,
    TokenEmbedding,
    sinusoidal_encoding,
)

__all__ = [
    "DecoderLayer",
    "Encoder",
    "EncoderLayer",
    "FeedForward",
    "PositionalEncoding",
    "TokenEmbedding",
    "Transformer",
    "TransformerModel",
    "sinusoidal_encoding",
]


class Transformer(nn.Module):
    """The encoder-decoder of the paper, from token ids to logits.

    Args:
        src_vocab: number of source tokens.
        tgt_vocab: number of target tokens ``V``.
        d_model: width ``D``, even.
        num_heads: number of heads ``H``; must divide ``d_model``.
        d_hidden: hidden width of the feed-forward networks.
        num_layers: layers in the encoder, and again in the decoder.
        dropout: probability used everywhere.
        max_len: the longest source or target allowed.
        norm_first: see ``EncoderLayer``.

    Source: section 3. Differences from the paper: the embeddings and the output layer do not share
    their weights, and the logits are returned without a softmax, as a loss wants them.
    """

    def __init__(
        self,
        src_vocab: int,
        tgt_vocab: int,
        *,
        d_model: int,
        num_heads: int,
        d_hidden: int,
        num_layers: int,
        dropout: float = 0.1,
        max_len: int = 512,
        norm_first: bool = False,
    ) -> None:
        super().__init__()
        src_vocab = check_int("src_vocab", src_vocab)
        tgt_vocab = check_int("tgt_vocab", tgt_vocab)
        self.source = TokenEmbedding(src_vocab, d_model, dropout=dropout, max_len=max_len)
        self.target = TokenEmbedding(tgt_vocab, d_model, dropout=dropout, max_len=max_len)
        self.encoder = Encoder(
            num_layers, d_model, num_heads, d_hidden, dropout=dropout, norm_first=norm_first
        )
        self.decoder = nn.ModuleList(
            DecoderLayer(d_model, num_heads, d_hidden, dropout=dropout, norm_first=norm_first)
            for _ in range(num_layers)
        )
        self.decoder_norm = nn.LayerNorm(d_model) if norm_first else nn.Identity()
        self.output = nn.Linear(d_model, tgt_vocab)

    def encode(self, src: Tensor, *, src_padding_mask: Tensor | None = None) -> Tensor:
        """Return the memory ``(B, S, D)`` of the source ids ``(B, S)``."""
        self.source.check_ids("src", src)
        _check_padding("src_padding_mask", src_padding_mask, src)
        return self.encoder(self.source(src), padding_mask=src_padding_mask)

    def decode(
        self,
        tgt: Tensor,
        memory: Tensor,
        *,
        tgt_padding_mask: Tensor | None = None,
        src_padding_mask: Tensor | None = None,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Return logits ``(B, T, V)`` for the token after each of the target ids ``(B, T)``.

        With ``need_weights`` also each layer's attention over the memory, ``(B, H, T, S)``.
        """
        self.target.check_ids("tgt", tgt)
        _check_padding("tgt_padding_mask", tgt_padding_mask, tgt)
        weight = self.output.weight
        check_floats("memory", memory, ("B", "S", weight.shape[1]), weight)
        _check_padding("src_padding_mask", src_padding_mask, memory)
        if len(memory) != len(tgt):
            raise ValueError(f"tgt must have {len(memory)} rows like the source, got {len(tgt)}")
        x = self.target(tgt)
        mask = causal_mask(tgt.shape[1]).to(tgt.device)
        collected = []
        for layer in self.decoder:
            x = layer(
                x,
                memory,
                mask,
                padding_mask=tgt_padding_mask,
                memory_padding_mask=src_padding_mask,
                need_weights=need_weights,
            )
            if need_weights:
                x, (_, weights) = x
                collected.append(weights)
        logits = self.output(self.decoder_norm(x))
        return (logits, collected) if need_weights else logits

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        *,
        src_padding_mask: Tensor | None = None,
        tgt_padding_mask: Tensor | None = None,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Return logits ``(B, T, V)`` for the token after each target token.

        Args:
            src: token ids ``(B, S)``.
            tgt: token ids ``(B, T)``; position ``t`` sees the target up to ``t`` only.
            src_padding_mask: boolean ``(B, S)``; True = a real token.
            tgt_padding_mask: boolean ``(B, T)``; True = a real token.
            need_weights: also return each layer's attention over the source, ``(B, H, T, S)``.
        """
        memory = self.encode(src, src_padding_mask=src_padding_mask)
        return self.decode(
            tgt,
            memory,
            tgt_padding_mask=tgt_padding_mask,
            src_padding_mask=src_padding_mask,
            need_weights=need_weights,
        )

    @torch.no_grad()
    def generate(
        self,
        src: Tensor,
        *,
        start_id: int,
        length: int,
        src_padding_mask: Tensor | None = None,
    ) -> Tensor:
        """Decode greedily: append the most probable token, one at a time.

        Args:
            src: token ids ``(B, S)``.
            start_id: the token that every target begins with.
            length: number of tokens to generate ``T``.
            src_padding_mask: boolean ``(B, S)``; True = a real token.

        Returns:
            Token ids ``(B, T)``, without the start token. Call ``eval()`` on the model first.
        """
        length, max_len = check_int("length", length), self.target.max_len
        if length > max_len:
            raise ValueError(f"length must be at most max_len={max_len}, got {length}")
        start_id = check_int("start_id", start_id, minimum=0)
        check_in_range("start_id", start_id, 0, self.output.out_features)
        memory = self.encode(src, src_padding_mask=src_padding_mask)
        tgt = torch.full((src.shape[0], 1), start_id, device=src.device)
        for _ in range(length):
            logits = self.decode(tgt, memory, src_padding_mask=src_padding_mask)  # (B, t, V)
            tgt = torch.cat([tgt, logits[:, -1].argmax(dim=-1, keepdim=True)], dim=1)
        return tgt[:, 1:]


class TransformerModel(nn.Module):
    """A causal language model: logits for the next token at every position.

    Args:
        ntoken: number of tokens ``V``.
        ninp: model width ``D``, even.
        nhead: number of heads.
        nhid: hidden width of the feed-forward networks.
        nlayers: number of layers.
        dropout: probability used everywhere.

    Source: the model of the course's original notes, with their names of the arguments and their
    initial weights (uniform in -0.1 .. 0.1, output bias zero). Difference: batch first.
    """

    def __init__(
        self, ntoken: int, ninp: int, nhead: int, nhid: int, nlayers: int, dropout: float = 0.5
    ) -> None:
        super().__init__()
        check_sizes(ninp, nhead, ntoken=ntoken, nhid=nhid, nlayers=nlayers)
        self.embedding = TokenEmbedding(ntoken, ninp, dropout=dropout)
        self.encoder = Encoder(nlayers, ninp, nhead, nhid, dropout=dropout)
        self.output = nn.Linear(ninp, ntoken)
        nn.init.uniform_(self.embedding.vectors.weight, -0.1, 0.1)
        nn.init.uniform_(self.output.weight, -0.1, 0.1)
        nn.init.zeros_(self.output.bias)

    def forward(
        self, ids: Tensor, *, need_weights: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Return logits ``(B, T, V)`` for token ids ``(B, T)``.

        With ``need_weights`` also each layer's attention weights, ``(B, H, T, T)``.
        """
        x = self.embedding(ids)
        x = self.encoder(x, causal_mask(ids.shape[1]).to(ids.device), need_weights=need_weights)
        x, weights = x if need_weights else (x, None)
        logits = self.output(x)
        return (logits, weights) if need_weights else logits


def _check_padding(name: str, mask: Tensor | None, tokens: Tensor) -> None:
    """Check a mask, if there is one, over ``tokens``: ids ``(B, T)`` or vectors ``(B, T, D)``."""
    if mask is not None:
        check_mask(name, mask, tuple(tokens.shape[:2]), tokens, "the tokens")
