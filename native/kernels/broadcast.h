// Loops over two tensors that are broadcast to the shape of the output, as NumPy does it.
#pragma once
#include "kernels/map.h"

namespace tfjs::TFJS_ISA {
namespace {

// The walk over the output: rows, each cut into pieces. Dimensions over which both operands advance alike are
// merged, so that most calls have a single row.
struct Broadcast {
  int64_t row;         // elements of a row
  int64_t piece;       // of a piece; the last one of a row may be shorter
  int64_t a_in_piece;  // how far an operand advances with each element of a piece: 1 or 0
  int64_t b_in_piece;
  int64_t a_per_piece;  // and from piece to piece
  int64_t b_per_piece;
  // The dimensions over rows, the innermost first.
  int outer;
  int64_t dims[kMaxRank], a_step[kMaxRank], b_step[kMaxRank];
};

// Pieces that stay in the first-level cache and are worth a task.
constexpr int64_t kPiece = 4096;
// Below this many elements, repeating a short row is worth it.
constexpr int64_t kShortRow = 256;

// False if the shapes do not broadcast to the output's.
bool plan_broadcast(const Tensor& a, const Tensor& b, const Tensor& y, Broadcast& plan) {
  int64_t dims[kMaxRank], a_step[kMaxRank], b_step[kMaxRank];
  if (a.rank > y.rank || b.rank > y.rank) return false;
  int groups = 0;
  int64_t a_size = 1, b_size = 1;
  for (int i = 1; i <= y.rank; i++) {
    const int64_t n = y.dims[y.rank - i];
    const int64_t an = i <= a.rank ? a.dims[a.rank - i] : 1, bn = i <= b.rank ? b.dims[b.rank - i] : 1;
    if ((an != n && an != 1) || (bn != n && bn != 1) || (an != n && bn != n)) return false;
    if (n == 1) continue;
    const bool a_moves = an == n, b_moves = bn == n;
    if (groups > 0 && a_moves == (a_step[groups - 1] != 0) && b_moves == (b_step[groups - 1] != 0)) {
      dims[groups - 1] *= n;
    } else {
      dims[groups] = n;
      a_step[groups] = a_moves ? a_size : 0;
      b_step[groups] = b_moves ? b_size : 0;
      groups++;
    }
    a_size *= an;
    b_size *= bn;
  }
  plan.row = groups > 0 ? dims[0] : 1;
  plan.piece = plan.row < kPiece ? plan.row : kPiece;
  plan.a_in_piece = groups > 0 && a_step[0] == 0 ? 0 : 1;
  plan.b_in_piece = groups > 0 && b_step[0] == 0 ? 0 : 1;
  plan.a_per_piece = plan.a_in_piece * plan.piece;
  plan.b_per_piece = plan.b_in_piece * plan.piece;
  plan.outer = groups > 0 ? groups - 1 : 0;
  for (int i = 0; i < plan.outer; i++) {
    plan.dims[i] = dims[i + 1];
    plan.a_step[i] = a_step[i + 1];
    plan.b_step[i] = b_step[i + 1];
  }
  return true;
}

// Whether a short row of one operand is used again for every row of the other (a bias).
TFJS_INLINE bool has_short_row(const Broadcast& plan) {
  return plan.outer == 1 && plan.row < kShortRow && plan.a_in_piece == 1 && plan.b_in_piece == 1 &&
         plan.dims[0] * plan.row >= 8 * kShortRow;
}

// Repeats that row in `to`, of 3 * kShortRow elements, so that the whole tensor becomes one row.
template <class T>
void repeat_short_row(Broadcast& plan, const T* from, T* to) {
  const int64_t row = plan.row, times = (2 * kShortRow + row - 1) / row;
  for (int64_t i = 0; i < row * times; i++) to[i] = i < row ? from[i] : to[i - row];
  plan.row *= plan.dims[0];
  plan.piece = row * times;
  plan.a_per_piece = plan.a_step[0] == 0 ? 0 : plan.piece;
  plan.b_per_piece = plan.b_step[0] == 0 ? 0 : plan.piece;
  plan.outer = 0;
}

// Calls piece(a, b, y, n, a_in_piece, b_in_piece) for each piece.
template <class In, class Out, class Piece>
TFJS_INLINE Status for_pieces(const Args& args, double nanoseconds, Piece piece) {
  const Tensor &ta = args.inputs[0], &tb = args.inputs[1], &ty = args.outputs[0];
  const In *a = ta.as<In>(), *b = tb.as<In>();
  Out* y = ty.as<Out>();
  Broadcast plan;
  if (!plan_broadcast(ta, tb, ty, plan)) return Status::InvalidArgument;
  if (plan.row == 0) return Status::Ok;
  alignas(64) In repeated[3 * kShortRow];
  if (has_short_row(plan)) {
    const In*& short_row = plan.a_step[0] == 0 ? a : b;
    repeat_short_row(plan, short_row, repeated);
    short_row = repeated;
  }
  int64_t rows = 1;
  for (int i = 0; i < plan.outer; i++) rows *= plan.dims[i];
  // Divisions cost as much as a small tensor: most calls need none.
  const int64_t pieces = plan.row <= plan.piece ? 1 : (plan.row + plan.piece - 1) / plan.piece;
  const double cost = nanoseconds * static_cast<double>(plan.piece) + 3;
  parallel_for(rows * pieces, cost, [&](int64_t begin, int64_t end) TFJS_ONCE {
    // The place of the first row in each dimension over rows.
    int64_t at[kMaxRank], a_row = 0, b_row = 0, row = 0, p = 0;
    if (begin > 0) {
      row = begin / pieces;
      p = begin % pieces;
    }
    Out* y_row = y + row * plan.row;
    for (int i = 0; i < plan.outer; i++) {
      at[i] = row > 0 ? row % plan.dims[i] : 0;
      if (row > 0) row /= plan.dims[i];
      a_row += at[i] * plan.a_step[i];
      b_row += at[i] * plan.b_step[i];
    }
    for (int64_t left = end - begin; left > 0; left--) {
      const int64_t from = p * plan.piece, rest = plan.row - from;
      piece(a + a_row + p * plan.a_per_piece, b + b_row + p * plan.b_per_piece, y_row + from,
            rest < plan.piece ? rest : plan.piece, plan.a_in_piece, plan.b_in_piece);
      if (++p < pieces) continue;
      p = 0;
      y_row += plan.row;
      for (int i = 0; i < plan.outer; i++) {
        a_row += plan.a_step[i];
        b_row += plan.b_step[i];
        if (++at[i] < plan.dims[i]) break;
        at[i] = 0;
        a_row -= plan.dims[i] * plan.a_step[i];
        b_row -= plan.dims[i] * plan.b_step[i];
      }
    }
  });
  return Status::Ok;
}

// y = f(a, b) by vectors, for T of four bytes.
template <class T, class F>
TFJS_INLINE Status broadcast_vectors(const Args& args, double nanoseconds, F f) {
  return for_pieces<T, T>(
      args, nanoseconds,
      [f](const T* a, const T* b, T* y, int64_t n, int64_t a_in_piece, int64_t b_in_piece) {
        const int64_t whole = n - n % kLanes;
        int64_t i = 0;
        if (a_in_piece == 0) {
          const auto same = splat(*a);
          for (; i < whole; i += kLanes) store(y + i, f(same, load(b + i)));
          if (i < n) store_first(y + i, f(same, load_first(b + i, n - i)), n - i);
        } else if (b_in_piece == 0) {
          const auto same = splat(*b);
          for (; i < whole; i += kLanes) store(y + i, f(load(a + i), same));
          if (i < n) store_first(y + i, f(load_first(a + i, n - i), same), n - i);
        } else {
          for (; i < whole; i += kLanes) store(y + i, f(load(a + i), load(b + i)));
          if (i < n) store_first(y + i, f(load_first(a + i, n - i), load_first(b + i, n - i)), n - i);
        }
      });
}

// y = f(a, b) element by element, which the compiler turns into vectors where it can.
template <class In, class Out, class F>
TFJS_INLINE Status broadcast_each(const Args& args, double nanoseconds, F f) {
  return for_pieces<In, Out>(
      args, nanoseconds,
      [f](const In* a, const In* b, Out* y, int64_t n, int64_t a_in_piece, int64_t b_in_piece) {
        if (a_in_piece == 0) {
          const In same = *a;
          TFJS_INDEPENDENT
          for (int64_t i = 0; i < n; i++) y[i] = f(same, b[i]);
        } else if (b_in_piece == 0) {
          const In same = *b;
          TFJS_INDEPENDENT
          for (int64_t i = 0; i < n; i++) y[i] = f(a[i], same);
        } else {
          TFJS_INDEPENDENT
          for (int64_t i = 0; i < n; i++) y[i] = f(a[i], b[i]);
        }
      });
}

}  // namespace
}  // namespace tfjs::TFJS_ISA
