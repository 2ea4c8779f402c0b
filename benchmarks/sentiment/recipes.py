"""Three Transformers that tell praise from blame: the original notes', Keras's, and lesson 04's.

Scope: ``RECIPES`` names the contestants, each as in ``rules``.

Sources, and what differs from them:

- the course's original notes: their class ``TransformerModel`` (width 128, one head, one layer,
  feed-forward 128, dropout 0.2) with Adam at 0.001, whole reviews and 8 in a batch. Theirs stopped
  with an error, and was a causal language model. Repaired: no causal mask; padding is hidden; the
  mean over the real tokens goes into two logits, where a logit for every word was; one vocabulary,
  of all words of the training texts. To be affordable: the reviews of a batch are of similar
  length, and there is one epoch instead of 5. With 20,000 reviews an epoch takes about 5 minutes
  on one thread;
- "Text classification with Transformer" of https://keras.io/examples, in
  ``examples/nlp/text_classification_with_transformer.py`` of https://github.com/keras-team/keras-io,
  written afresh in torch with Keras's initial weights and padding. There, the reviews come as
  numbers: without punctuation, each with a mark at its beginning, and the words counted over the
  dataset. Here the tokens are the course's, of which 200 are fewer words, and the vocabulary is
  that of the training texts;
- lesson 04: the notebook's ``new_classifier`` and ``train_classifier``.

Dimensions: ``B`` batch, ``T`` tokens, ``D`` model width, ``H`` heads, ``K`` width per head.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam, AdamW
from torch.optim.lr_scheduler import OneCycleLR

from benchmarks.sentiment.rules import Contestant, Fitted
from helpers.data import (
    Vocabulary,
    bucket_batches,
    build_vocabulary,
    encode,
    pad,
    text_batches,
    truncate,
)
from helpers.running import seed_everything
from helpers.training import fit, predict
from helpers.transformer import TokenEmbedding, TransformerClassifier

NOTES_EPOCHS, NOTES_BATCH = 1, 8
KERAS_EPOCHS, KERAS_BATCH, KERAS_VOCABULARY, KERAS_KEPT = 2, 32, 20_000, 200
LESSON_EPOCHS, LESSON_BATCH, LESSON_VOCABULARY, LESSON_KEPT = 3, 64, 10_000, 400


class NotesClassifier(nn.Module):
    """The notes' ``TransformerModel`` with a head that classifies.

    The layer is torch's, as in the notes; ``TokenEmbedding`` computes what they do before it. The
    initial weights are theirs too: uniform in -0.1 .. 0.1 for embedding and head, whose bias is 0.
    """

    def __init__(
        self, ntoken: int, ninp: int = 128, nhead: int = 1, nhid: int = 128, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(ntoken, ninp, dropout=dropout)  # up to 5,000 tokens
        self.layer = nn.TransformerEncoderLayer(ninp, nhead, nhid, dropout, batch_first=True)
        self.output = nn.Linear(ninp, 2)
        nn.init.uniform_(self.embedding.vectors.weight, -0.1, 0.1)
        nn.init.uniform_(self.output.weight, -0.1, 0.1)
        nn.init.zeros_(self.output.bias)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return logits ``(B, 2)`` for ids ``(B, T)``; the mask is True at real tokens."""
        x = self.layer(self.embedding(ids), src_key_padding_mask=~mask)  # (B, T, D)
        x = x.masked_fill(~mask.unsqueeze(-1), 0.0).sum(dim=1)  # (B, D)
        return self.output(x / mask.sum(dim=1, keepdim=True).clamp(min=1))


def notes(train: Sequence[list[str]], labels: Sequence[int], seed: int) -> Fitted:
    """Train the notes' recipe, repaired."""
    generator = seed_everything(seed)
    vocab = build_vocabulary(train)
    ids = _encoded(train, vocab)
    model = NotesClassifier(len(vocab))

    def batches(epoch: int) -> Iterator:
        return text_batches(ids, labels, NOTES_BATCH, pad_id=vocab.pad_id, generator=generator)

    # Fused: the same steps in one pass over the weights, of which most are the vocabulary's.
    fit(model, batches, Adam(model.parameters(), lr=0.001, fused=True), epochs=NOTES_EPOCHS)
    # A batch of the longest reviews needs memory with the square of their length: few at a time.
    return _fitted(model, lambda texts: _encoded(texts, vocab), vocab.pad_id, NOTES_BATCH)


class KerasClassifier(nn.Module):
    """The Keras example's model: one post-norm layer over 200 tokens, padding among them.

    Keras gives each of the 2 heads the width of the whole model, so ``H * K`` is twice ``D``. Its
    last layer ends in a softmax; here it gives the logits, as cross-entropy wants them.
    """

    heads, width, hidden = 2, 32, 20

    def __init__(self) -> None:
        super().__init__()
        width, inner = self.width, self.heads * self.width
        self.tokens = nn.Embedding(KERAS_VOCABULARY, width)
        self.positions = nn.Embedding(KERAS_KEPT, width)
        self.query, self.key, self.value = (nn.Linear(width, inner) for _ in range(3))
        self.joined = nn.Linear(inner, width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)
        )
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=1e-6) for _ in range(2))
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Sequential(
            *(nn.Dropout(0.1), nn.Linear(width, self.hidden), nn.ReLU()),
            *(nn.Dropout(0.1), nn.Linear(self.hidden, 2)),
        )
        self.apply(_keras_weights)
        # Keras takes the fans of (D, H, K) for those of a convolution: D times H in, D times K out.
        bound = math.sqrt(6 / (width * self.heads + width * width))
        for projection in (self.query, self.key, self.value):
            nn.init.uniform_(projection.weight, -bound, bound)
        # ... and of (H, K, D): H times K in, H times D out.
        bound = math.sqrt(6 / (2 * inner))
        nn.init.uniform_(self.joined.weight, -bound, bound)

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return logits ``(B, 2)`` for ids ``(B, 200)``; as in Keras's, no mask is heeded."""
        x = self.tokens(ids) + self.positions.weight  # (B, T, D)
        x = self.norm1(x + self.dropout(self._attend(x)))
        x = self.norm2(x + self.dropout(self.feed_forward(x)))
        return self.head(x.mean(dim=1))

    def _attend(self, x: Tensor) -> Tensor:
        shape = (self.heads, self.width)
        projections = (self.query, self.key, self.value)
        q, k, v = (p(x).unflatten(-1, shape).transpose(1, 2) for p in projections)  # (B, H, T, K)
        mixed = F.scaled_dot_product_attention(q, k, v)  # (B, H, T, K)
        return self.joined(mixed.transpose(1, 2).flatten(2))  # (B, T, D)


def pre_padded(texts: Sequence[list[str]], vocab: Vocabulary) -> list[np.ndarray]:
    """Return the last 200 ids of each text, filled up in front, as Keras's ``pad_sequences``."""
    return [
        np.pad(row, (KERAS_KEPT - len(row), 0), constant_values=vocab.pad_id)
        for row in _encoded(texts, vocab, KERAS_KEPT)
    ]


def keras_example(train: Sequence[list[str]], labels: Sequence[int], seed: int) -> Fitted:
    """Train the Keras example."""
    generator = seed_everything(seed)
    vocab = build_vocabulary(train, max_size=KERAS_VOCABULARY)
    ids = torch.from_numpy(np.stack(pre_padded(train, vocab)))  # (N, 200)
    targets = torch.tensor(labels)
    model = KerasClassifier()

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        for some in torch.randperm(len(ids), generator=generator).split(KERAS_BATCH):
            yield ids[some], targets[some]

    fit(model, batches, Adam(model.parameters(), lr=0.001, eps=1e-7), epochs=KERAS_EPOCHS)
    return _fitted(model, lambda texts: pre_padded(texts, vocab), vocab.pad_id, 100)


def lesson(train: Sequence[list[str]], labels: Sequence[int], seed: int) -> Fitted:
    """Train lesson 04's classifier, as its notebook does."""
    generator = seed_everything(seed)
    vocab = build_vocabulary(train, max_size=LESSON_VOCABULARY)
    ids = _encoded(train, vocab, LESSON_KEPT)
    model = TransformerClassifier(
        len(vocab),
        num_classes=2,
        d_model=32,
        num_heads=2,
        d_hidden=64,
        num_layers=1,
        dropout=0.0,
        word_dropout=0.6,
        position_scale=0.3,
    )
    optimizer = AdamW(model.parameters(), lr=0.003, weight_decay=0.05)
    steps = LESSON_EPOCHS * math.ceil(len(ids) / LESSON_BATCH)
    schedule = OneCycleLR(optimizer, max_lr=0.003, total_steps=steps)

    def batches(epoch: int) -> Iterator:
        return text_batches(ids, labels, LESSON_BATCH, pad_id=vocab.pad_id, generator=generator)

    fit(model, batches, optimizer, epochs=LESSON_EPOCHS, scheduler=schedule)
    return _fitted(model, lambda texts: _encoded(texts, vocab, LESSON_KEPT), vocab.pad_id, 100)


RECIPES: dict[str, Contestant] = {
    "original notes, repaired": notes,
    "Keras example": keras_example,
    "lesson 04": lesson,
}


def _encoded(
    texts: Sequence[list[str]], vocab: Vocabulary, kept: int | None = None
) -> list[np.ndarray]:
    rows = [encode(tokens, vocab) for tokens in texts]
    return [np.array(truncate(row, kept) if kept else row, dtype=np.int64) for row in rows]


def _fitted(
    model: nn.Module,
    prepare: Callable[[Sequence[list[str]]], list[np.ndarray]],
    pad_id: int,
    batch_size: int,
) -> Fitted:
    """Score with a trained model, in batches of similar length."""

    def score(texts: Sequence[list[str]]) -> np.ndarray:
        ids = prepare(texts)
        scores = np.empty(len(ids))
        for batch in bucket_batches([len(row) for row in ids], batch_size):
            logits = predict(model, *pad([ids[i] for i in batch], pad_id))
            scores[batch] = (logits[:, 1] - logits[:, 0]).numpy()
        return scores

    return Fitted(score, parameters=sum(p.numel() for p in model.parameters()))


def _keras_weights(module: nn.Module) -> None:
    """Draw the weights of one layer as Keras does by default."""
    if isinstance(module, nn.Embedding):
        nn.init.uniform_(module.weight, -0.05, 0.05)
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
