"""The stack of hred_reference.py: models/stack_propagation.h with its default options, in plain
PyTorch and with the same parameter names, out of the parts of transformer_reference.py: padded rows,
F.scaled_dot_product_attention with a mask of the padding, output layers over the labels alone."""

import torch
import torch.nn.functional as F
from torch import nn
from transformer_reference import Attention, Output, Stack, feed_forward, feed_forward_parts, joined

ENTAILMENT, CONTRADICTION = 0, 2  # of data/pair.h


def keep_mask(lengths, width):
    return (torch.arange(width) < lengths.unsqueeze(1)).view(-1, 1, 1, width)


def unlikelihood(logits, labels):
    """Sum of -ln(1 - p) of each label."""
    at = labels.unsqueeze(1)
    others = logits.scatter(1, at, float("-inf")).logsumexp(1)
    return F.softplus(logits.gather(1, at).squeeze(1) - others).sum()


class ConsistencyLayer(nn.Module):
    """Self-attention, attention to the persona, feed-forward, attention to R1, feed-forward."""

    def __init__(self, o):
        super().__init__()
        for name in ("attention", "persona_attention", "draft_attention"):
            setattr(self, name, Attention(o))
            setattr(self, name + "_norm", nn.LayerNorm(o.dim))
        for name in ("persona_feed_forward", "feed_forward"):
            setattr(self, name, feed_forward_parts(o))
            setattr(self, name + "_norm", nn.LayerNorm(o.dim))
        self.dropout = nn.Dropout(o.dropout)

    def forward(self, x, persona, r1, cache=None):
        """`persona`: keys, values and what may be seen of them. `cache`: keys and values of the
        tokens before, and those of the states R1 before, which get those of this one."""
        own, drafts = cache or (None, None)
        y = self.attention_norm(x)
        read = joined(self.attention.read(y), own)
        x = x + self.dropout(self.attention(y, *read, causal=cache is None))
        y = self.persona_attention_norm(x)
        x = x + self.dropout(self.persona_attention(y, *persona))
        y = self.persona_feed_forward_norm(x)
        x = x + self.dropout(feed_forward(self.persona_feed_forward, y))
        read = joined(self.draft_attention.read(r1), drafts)
        y = self.draft_attention_norm(x)
        x = x + self.dropout(self.draft_attention(y, *read, causal=cache is None))
        y = self.feed_forward_norm(x)
        return x + self.dropout(feed_forward(self.feed_forward, y))


class StackPropagation(nn.Module):
    def __init__(self, o, embedding):
        super().__init__()
        self.o = o
        self.embedding = embedding  # without dropout: `first` has it
        self.kind = nn.Embedding(2, o.dim)
        self.encoder = Stack(o, o.encoder_layers, reads_memory=False)
        self.decoder = Stack(o, o.decoder_layers, reads_memory=True)
        self.output_layer = Output(o.vocab, embedding.token)
        self.consistency = Stack(o, o.consistency_layers, layer=ConsistencyLayer)
        self.consistency_output = Output(o.vocab, embedding.token)

    def contexts(self, batch, tokens):
        """Keys and values of the contexts for each layer of the decoder; tokens (B,J,D)."""
        J = tokens.shape[1]
        keep = keep_mask(batch.joined_lengths, J)
        is_fact = torch.arange(J) < batch.persona_lengths.unsqueeze(1)
        x = self.encoder.first(tokens + self.kind(is_fact.long()))
        for layer in self.encoder.layers():
            x = layer(x, keep)
        x = self.encoder["norm"](x)
        return [(*layer.cross_attention.read(x), keep) for layer in self.decoder.layers()]

    def personas(self, batch, tokens):
        """The same of the personas, which stand in front of each context, for the second decoder."""
        width = int(batch.persona_lengths.max())
        keep = keep_mask(batch.persona_lengths, width)
        x = self.consistency.first(tokens[:, :width])
        layers = self.consistency.layers()
        return [(*layer.persona_attention.read(x), keep) for layer in layers]

    def draft(self, inputs, contexts):
        """R1 (B,S,D) of replies whose token vectors are `inputs`."""
        x = self.decoder.first(inputs)
        for layer, read in zip(self.decoder.layers(), contexts):
            x = layer(x, memory=read)
        return self.decoder["norm"](x)

    def consistent(self, x, personas, r1):
        for layer, read in zip(self.consistency.layers(), personas):
            x = layer(x, read, r1)
        return self.consistency["norm"](x)

    def states(self, batch):
        """R1 and R2 (B,S,D)."""
        tokens, inputs = self.embedding(batch.joined), self.embedding(batch.decoder_input)
        r1 = self.draft(inputs, self.contexts(batch, tokens))
        own = self.consistency.first(inputs)
        return r1, self.consistent(own, self.personas(batch, tokens), r1)

    def losses(self, batch):
        """What is learned from replies, then from pairs: each with a graph of its own."""
        r1, r2 = self.states(batch)
        labels = batch.packed(batch.labels)
        nll = F.cross_entropy(self.output_layer(batch.packed(r1)), labels)
        own = F.cross_entropy(self.consistency_output(batch.packed(r2)), labels)
        yield nll + self.o.consistency_weight * own
        if batch.pairs is not None:
            yield self.o.pair_weight * self.loss_of_pairs(batch.pairs)

    def loss_of_pairs(self, pairs):
        """The hypothesis's own token vectors stand in R1's place."""
        first = self.consistency.first(self.embedding(pairs.decoder_input))
        personas = self.personas(pairs, self.embedding(pairs.joined))
        states = pairs.packed(self.consistent(first, personas, first))
        labels = pairs.packed(pairs.labels)
        kinds = pairs.packed(pairs.pair_label.unsqueeze(1).expand_as(pairs.labels))
        said, unsaid = kinds == ENTAILMENT, kinds == CONTRADICTION
        logits = self.consistency_output(states[said])
        nll = F.cross_entropy(logits, labels[said], reduction="sum") / said.sum().clamp_min(1)
        logits = self.consistency_output(states[unsaid])
        against = unlikelihood(logits, labels[unsaid]) / unsaid.sum().clamp_min(1)
        return self.o.entailed_share * nll + (1 - self.o.entailed_share) * against

    def label_logits(self, batch):
        """Logits (P,V) and labels (P) of the counted labels, place by place."""
        _, r2 = self.states(batch)
        return self.consistency_output(batch.packed(r2)), batch.packed(batch.labels)

    def encode(self, batch):
        tokens = self.embedding(batch.joined)
        contexts, personas = self.contexts(batch, tokens), self.personas(batch, tokens)
        caches = [[] for _ in contexts], [([], []) for _ in personas]
        return {"read": (contexts, personas), "state": (None, caches, 0)}

    def step(self, embedded, state, memory):
        """One token for every row."""
        contexts, personas = memory["read"]
        _, (caches, own), place = state
        embedded = embedded.unsqueeze(1)
        x = self.decoder.first(embedded, place)
        for layer, read, cache in zip(self.decoder.layers(), contexts, caches):
            x = layer(x, memory=read, cache=cache)
        r1 = self.decoder["norm"](x)
        x = self.consistency.first(embedded, place)
        for layer, read, cache in zip(self.consistency.layers(), personas, own):
            x = layer(x, read, r1, cache)
        return self.consistency["norm"](x).squeeze(1), (caches, own), place + 1

    def output(self, state):
        return self.consistency_output(state[0])
