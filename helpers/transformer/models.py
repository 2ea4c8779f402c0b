"""Whole Transformers: the encoder-decoder and a causal language model.

Scope: from token ids to logits. The encoder-decoder is the paper's. The language model takes one
half of it, in the manner of GPT: a stack with a causal mask. The other half, a stack without one
that judges a whole text, is in ``classifiers``.

Source: Vaswani et al., "Attention Is All You Need", 2017, https://arxiv.org/abs/1706.03762

Dimensions: ``B`` batch, ``T`` positions, ``S`` positions of the source, ``D`` model width,
``H`` heads, ``V`` vocabulary.
Every model is batch first, and in every mask True = may attend.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from helpers.contracts import Count, Share, Size, guard
from helpers.refusals import refusal
from helpers.running import evaluation_mode
from helpers.transformer.attention import causal_mask
from helpers.transformer.layers import DecoderLayer, Encoder, Even, TokenEmbedding

__all__ = ["Transformer", "TransformerModel"]

Logits = Float[Tensor, "B T V"]


class Transformer(nn.Module):
    """The encoder-decoder of the paper, from token ids to logits.

    Args:
        src_vocab: number of source tokens.
        tgt_vocab: number of target tokens ``V``.
        d_model, num_heads, d_hidden, dropout, norm_first: as in `EncoderLayer`; ``D`` is even.
        num_layers: layers in the encoder, and again in the decoder.
        max_len: the longest source or target allowed.

    Source: section 3. Differences from the paper: the embeddings and the output layer do not share
    their weights, and the logits are returned without a softmax, as a loss wants them.
    """

    def __init__(
        self,
        src_vocab: Size,
        tgt_vocab: Size,
        *,
        d_model: Size,
        num_heads: Size,
        d_hidden: Size,
        num_layers: Size,
        dropout: Share = 0.1,
        max_len: Size = 512,
        norm_first: bool = False,
    ) -> None:
        super().__init__()
        self.d_model = d_model
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

    def encode(
        self, src: Int[Tensor, "B S"], *, src_padding_mask: Bool[Tensor, "B S"] | None = None
    ) -> Float[Tensor, "B S D"]:
        """Return the memory of the source ids."""
        return self.encoder(self.source(src), padding_mask=src_padding_mask)

    def decode(
        self,
        tgt: Int[Tensor, "B T"],
        memory: Float[Tensor, "B S {self.d_model}"],
        *,
        tgt_padding_mask: Bool[Tensor, "B T"] | None = None,
        src_padding_mask: Bool[Tensor, "B S"] | None = None,
    ) -> Logits:
        """Return logits for the token after each of the target ids."""
        x = self.target(tgt)
        causal = causal_mask(tgt.shape[1]).to(tgt.device)
        for layer in self.decoder:
            x = layer(
                x,
                memory,
                causal,
                padding_mask=tgt_padding_mask,
                memory_padding_mask=src_padding_mask,
            )
        return self.output(self.decoder_norm(x))

    def forward(
        self,
        src: Int[Tensor, "B S"],
        tgt: Int[Tensor, "B T"],
        *,
        src_padding_mask: Bool[Tensor, "B S"] | None = None,
        tgt_padding_mask: Bool[Tensor, "B T"] | None = None,
    ) -> Logits:
        """Return logits for the token after each target token.

        Args:
            src, tgt: token ids; position ``t`` sees the target up to ``t`` only.
            src_padding_mask, tgt_padding_mask: True = a real token.
        """
        memory = self.encode(src, src_padding_mask=src_padding_mask)
        masks = {"tgt_padding_mask": tgt_padding_mask, "src_padding_mask": src_padding_mask}
        return self.decode(tgt, memory, **masks)

    @torch.no_grad()
    def generate(
        self,
        src: Int[Tensor, "B S"],
        *,
        start_id: Count,
        length: Size,
        src_padding_mask: Bool[Tensor, "B S"] | None = None,
    ) -> Int[Tensor, "B {length}"]:
        """Decode greedily: append the most probable token, one at a time.

        Args:
            src: token ids.
            start_id: the token that every target begins with; it is not returned.
            length: number of tokens to generate.
            src_padding_mask: True = a real token.

        Dropout is off meanwhile; the mode of the model is as before, even after an error.
        """
        if start_id >= self.output.out_features:
            raise refusal("start_id", f"be below tgt_vocab={self.output.out_features}", start_id)
        if length > self.target.max_len:
            raise refusal("length", f"be at most max_len={self.target.max_len}", length)
        tgt = torch.full((src.shape[0], 1), start_id, device=src.device)
        with evaluation_mode(self):
            memory = self.encode(src, src_padding_mask=src_padding_mask)
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
        self, ntoken: Size, ninp: Even, nhead: Size, nhid: Size, nlayers: Size, dropout: Share = 0.5
    ) -> None:
        super().__init__()
        if ninp % nhead:
            raise refusal("ninp", f"be divisible by nhead={nhead}", ninp)
        self.embedding = TokenEmbedding(ntoken, ninp, dropout=dropout)
        self.encoder = Encoder(nlayers, ninp, nhead, nhid, dropout=dropout)
        self.output = nn.Linear(ninp, ntoken)
        nn.init.uniform_(self.embedding.vectors.weight, -0.1, 0.1)
        nn.init.uniform_(self.output.weight, -0.1, 0.1)
        nn.init.zeros_(self.output.bias)

    def forward(self, ids: Int[Tensor, "B T"]) -> Logits:
        """Return logits for the token after each token."""
        x = self.encoder(self.embedding(ids), causal_mask(ids.shape[1]).to(ids.device))
        return self.output(x)


guard(globals())
