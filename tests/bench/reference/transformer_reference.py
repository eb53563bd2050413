"""The Transformer of hred_reference.py: models/transformer.h with its default options, in plain
PyTorch and with the same parameter names, written the way one writes it in Python: padded rows,
F.scaled_dot_product_attention with a mask of the padding, keys and values joined at every step of
decoding."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def heads_of(x, heads):
    """(B,T,D) -> (B,A,T,hd)"""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def sinusoidal(length, width, like):
    angle = torch.arange(length, dtype=torch.double).unsqueeze(1) * torch.exp(
        torch.arange(0, width, 2, dtype=torch.double) * (-math.log(10000.0) / width)
    )
    return torch.cat([angle.sin(), angle.cos()], 1).to(like)


def joined(read, cache):
    """Keys and values behind those of `cache`, which gets them all; None = there are none."""
    if cache is None:
        return read
    if cache:
        read = [torch.cat(parts, 2) for parts in zip(cache, read)]
    cache[:] = read
    return read


def feed_forward_parts(o):
    return nn.ModuleDict({"in": nn.Linear(o.dim, o.ffn_dim), "out": nn.Linear(o.ffn_dim, o.dim)})


def feed_forward(parts, x):
    return parts["out"](F.relu(parts["in"](x)))


class Attention(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.heads = o.heads
        self.query, self.key, self.value, self.output = (nn.Linear(o.dim, o.dim) for _ in range(4))

    def read(self, memory):
        return heads_of(self.key(memory), self.heads), heads_of(self.value(memory), self.heads)

    def forward(self, x, keys, values, keep=None, causal=False):
        q = heads_of(self.query(x), self.heads)
        seen = F.scaled_dot_product_attention(q, keys, values, attn_mask=keep, is_causal=causal)
        return self.output(seen.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    def __init__(self, o, reads_memory):
        super().__init__()
        self.attention, self.attention_norm = Attention(o), nn.LayerNorm(o.dim)
        if reads_memory:
            self.cross_attention, self.cross_attention_norm = Attention(o), nn.LayerNorm(o.dim)
        self.feed_forward = feed_forward_parts(o)
        self.feed_forward_norm = nn.LayerNorm(o.dim)
        self.dropout = nn.Dropout(o.dropout)

    def forward(self, x, keep=None, memory=None, cache=None):
        """`memory`: (keys, values) of it and what may be seen of it; then a token sees none behind
        it. `cache`: the keys and values of the tokens before, which gets those of this one."""
        y = self.attention_norm(x)
        keys, values = joined(self.attention.read(y), cache)
        causal = memory is not None and cache is None
        x = x + self.dropout(self.attention(y, keys, values, keep, causal))
        if memory is not None:
            y = self.cross_attention_norm(x)
            x = x + self.dropout(self.cross_attention(y, *memory))
        y = self.feed_forward_norm(x)
        return x + self.dropout(feed_forward(self.feed_forward, y))


class Stack(nn.ModuleDict):
    """Layers "0", "1", ..., and "norm"."""

    def __init__(self, o, layers, layer=Layer, **options):
        super().__init__({str(i): layer(o, **options) for i in range(layers)})
        self["norm"] = nn.LayerNorm(o.dim)
        self.scale, self.dropout = o.dim**0.5, nn.Dropout(o.dropout)

    def layers(self):
        return [self[str(i)] for i in range(len(self) - 2)]  # but norm and dropout

    def first(self, x, place=0):
        positions = sinusoidal(place + x.shape[1], x.shape[2], x)[place:]
        return self.dropout(x * self.scale + positions)


class Output(nn.Module):
    def __init__(self, vocab, table):
        super().__init__()
        self.table, self.bias = [table], nn.Parameter(torch.zeros(vocab))

    def forward(self, x):
        return F.linear(x, self.table[0].weight, self.bias)


class Transformer(nn.Module):
    def __init__(self, o, embedding):
        super().__init__()
        self.embedding = embedding  # without dropout: `first` has it
        self.encoder = Stack(o, o.encoder_layers, reads_memory=False)
        self.decoder = Stack(o, o.decoder_layers, reads_memory=True)
        self.output_layer = Output(o.vocab, embedding.token)

    def encode(self, batch):
        J = batch.joined.shape[1]
        keep = (torch.arange(J) < batch.joined_lengths.unsqueeze(1)).view(-1, 1, 1, J)
        x = self.encoder.first(self.embedding(batch.joined, batch.joined_speaker))
        for layer in self.encoder.layers():
            x = layer(x, keep)
        x = self.encoder["norm"](x)
        read = [(*layer.cross_attention.read(x), keep) for layer in self.decoder.layers()]
        return {"read": read, "state": (None, [[] for _ in read], 0)}

    def label_logits(self, batch):
        """Logits (P,V) and labels (P) of the counted labels, place by place."""
        memory = self.encode(batch)
        x = self.decoder.first(self.embedding(batch.decoder_input))
        for layer, read in zip(self.decoder.layers(), memory["read"]):
            x = layer(x, memory=read)
        x = self.decoder["norm"](x)
        return self.output_layer(batch.packed(x)), batch.packed(batch.labels)

    def step(self, embedded, state, memory):
        """One token for every row."""
        _, caches, place = state
        x = self.decoder.first(embedded.unsqueeze(1), place)
        for layer, read, cache in zip(self.decoder.layers(), memory["read"], caches):
            x = layer(x, memory=read, cache=cache)
        return self.decoder["norm"](x).squeeze(1), caches, place + 1

    def output(self, state):
        return self.output_layer(state[0])
