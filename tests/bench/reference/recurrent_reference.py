"""The recurrent models of hred_reference.py: models/hred.h and models/seq2seq.h in plain PyTorch, with
the same parameter names. nn.GRU over packed turns, one example a row, a loop over nn.GRUCell with
batched attention.
"""

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence


class Embedding(nn.Module):
    def __init__(self, vocab, width, speakers, dropout):
        super().__init__()
        self.token = nn.Embedding(vocab, width)
        self.speaker = nn.Embedding(9, width) if speakers else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids, speakers=None):
        vectors = self.token(ids)
        if self.speaker is not None and speakers is not None:
            vectors = vectors + self.speaker(speakers)
        return self.dropout(vectors)


class Attention(nn.Module):
    """e_i = v^T tanh(W h_i + Q query)"""

    def __init__(self, hidden):
        super().__init__()
        self.memory_weight = nn.Parameter(torch.empty(hidden, hidden))
        self.query_weight = nn.Parameter(torch.empty(hidden, hidden))
        self.v = nn.Parameter(torch.empty(hidden))

    def keys(self, memory):
        return memory @ self.memory_weight.t()

    def forward(self, query, keys, keep):
        """Weights of N queries (N,H) over keys (N,U,H)."""
        e = torch.tanh(keys + (query @ self.query_weight.t()).unsqueeze(1)) @ self.v
        return e.masked_fill(~keep, float("-inf")).softmax(-1)


def attend(weights, memory):
    return torch.bmm(weights.unsqueeze(1), memory).squeeze(1)


def run_packed(gru, embedding, ids, speakers, lengths):
    """All states of the rows, packed, and the last real one of each; padding is not embedded."""
    pack = lambda x: pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    packed = pack(ids)
    embedded = embedding(packed.data, pack(speakers).data if embedding.speaker else None)
    states, last = gru(PackedSequence(embedded, *packed[1:]))
    return states, last[0]


class Hred(nn.Module):
    def __init__(self, o):
        super().__init__()
        E, H = o.embed_dim, o.hidden_dim
        self.o = o
        self.has_static = o.attention in ("static", "both")
        self.has_dynamic = o.attention in ("dynamic", "both")
        self.embedding = Embedding(o.vocab, E, o.speakers, o.dropout)
        self.encoder = nn.GRU(E, H, batch_first=True)
        self.context_rnn = nn.GRU(H, H, batch_first=True) if o.context_rnn else None
        self.static_attention = Attention(H) if self.has_static else None
        self.dynamic_attention = Attention(H) if self.has_dynamic else None
        if o.attention == "both" and o.combine == "weighted":
            if o.gate == "state":
                self.gate = nn.Linear(3 * H, 1, bias=False)
            else:
                self.share = nn.Parameter(torch.zeros(()))
        concat = o.attention == "both" and o.combine == "concat"
        self.start = nn.Linear(H, H)
        self.decoder = nn.GRUCell(E + (2 * H if concat else H), H)
        self.dropout = nn.Dropout(o.dropout)
        self.output = nn.Linear(H, o.vocab)

    def encode(self, batch):
        speakers = batch.turn_speaker.unsqueeze(1).expand_as(batch.turns)
        _, vectors = run_packed(
            self.encoder, self.embedding, batch.turns, speakers, batch.turn_lengths
        )
        B, U = batch.keep.shape
        h = vectors.new_zeros(B * U, vectors.shape[1]).index_copy(0, batch.place, vectors)
        h = h.view(B, U, -1)
        lengths = batch.keep.sum(1)
        if self.context_rnn is not None:
            packed = pack_padded_sequence(h, lengths.cpu(), batch_first=True, enforce_sorted=False)
            h, _ = nn.utils.rnn.pad_packed_sequence(
                self.context_rnn(packed)[0], batch_first=True, total_length=U
            )
        last = h[torch.arange(B, device=h.device), lengths - 1]
        memory = {"h": h, "keep": batch.keep, "state": torch.tanh(self.start(last))}
        if self.has_static:
            query = last if self.o.static_query == "last" else h[:, 0]
            keys = self.static_attention.keys(h)
            memory["static"] = attend(self.static_attention(query, keys, batch.keep), h)
        elif not self.has_dynamic:
            memory["static"] = last
        if self.has_dynamic:
            memory["keys"] = self.dynamic_attention.keys(h)
        return memory

    def combine(self, c, c_t, s):
        o = self.o
        if o.combine == "concat":
            return torch.cat([c, c_t], 1)
        if o.combine == "sum":
            return c + c_t
        if o.combine == "mean":
            return (c + c_t) / 2
        if o.combine == "max":
            return torch.maximum(c, c_t)
        if o.gate == "state":
            share = torch.sigmoid(self.gate(torch.cat([c, c_t, s], 1)))
        else:
            share = torch.sigmoid(self.share)
        return share * c + (1 - share) * c_t

    def step(self, embedded, s, memory):
        """One token for every row."""
        if self.has_dynamic:
            weights = self.dynamic_attention(s, memory["keys"], memory["keep"])
            c_hat = attend(weights, memory["h"])
            if self.has_static:
                c_hat = self.combine(memory["static"], c_hat, s)
        else:
            c_hat = memory["static"]
        return self.decoder(torch.cat([embedded, c_hat], 1), s)


class Seq2Seq(nn.Module):
    def __init__(self, o):
        super().__init__()
        E, H = o.embed_dim, o.hidden_dim
        self.embedding = Embedding(o.vocab, E, o.speakers, o.dropout)
        self.encoder = nn.GRU(E, H, batch_first=True)
        self.attention = Attention(H)
        self.start = nn.Linear(H, H)
        self.decoder = nn.GRUCell(E + H, H)
        self.dropout = nn.Dropout(o.dropout)
        self.output = nn.Linear(H, o.vocab)

    def encode(self, batch):
        states, last = run_packed(
            self.encoder, self.embedding, batch.joined, batch.joined_speaker, batch.joined_lengths
        )
        h, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True)
        keep = torch.arange(h.shape[1], device=h.device) < batch.joined_lengths.unsqueeze(1)
        return {
            "h": h,
            "keep": keep,
            "keys": self.attention.keys(h),
            "state": torch.tanh(self.start(last)),
        }

    def step(self, embedded, s, memory):
        weights = self.attention(s, memory["keys"], memory["keep"])
        return self.decoder(torch.cat([embedded, attend(weights, memory["h"])], 1), s)
