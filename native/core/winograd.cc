#include "core/winograd.h"

#include <atomic>

namespace tfjs {
namespace {

std::atomic<Winograd> chosen{Winograd::ByShape};

double parts(int64_t n, int64_t size) { return static_cast<double>((n + size - 1) / size); }

// What the ways cost, in products of vectors of 16 floats; the factors are measured.
struct Cost {
  double images, height, width, depth, depth_vectors, column_vectors;

  double direct() const { return images * height * width * 9 * depth * column_vectors; }
  double tiles(int tile) const {
    return images * parts(static_cast<int64_t>(height), tile) * parts(static_cast<int64_t>(width), tile);
  }
  double transforms(int tile) const {
    const double positions = (tile + 2) * (tile + 2);
    return tiles(tile) * positions * 7 * (depth_vectors + column_vectors);
  }
  double products(int tile) const {
    return tiles(tile) * (tile + 2) * (tile + 2) * depth * column_vectors * 1.15;
  }
  double weights(int tile, double factor) const {
    return (tile + 2) * (tile + 2) * factor * depth * column_vectors;
  }
};

template <class F>
int cheapest(int64_t batch, int64_t height, int64_t width, int64_t depth, int64_t columns, F cost_of_tiles,
             bool pooled = false) {
  const Winograd choice = chosen.load(std::memory_order_relaxed);
  if (choice == Winograd::Never || batch == 0 || height < 1 || width < 1 || depth < 1 || columns < 1)
    return 0;
  if (choice == Winograd::Tiles2) return 2;
  if (choice == Winograd::Tiles5 && pooled) return 5;
  if (choice == Winograd::Tiles4 || choice == Winograd::Tiles5) return 4;
  const Cost cost{static_cast<double>(batch), static_cast<double>(height),
                  static_cast<double>(width), static_cast<double>(depth),
                  parts(depth, 16),           parts(columns, 16)};
  // Transformed filters are to stay in the third-level cache.
  if (cost.depth * cost.column_vectors > 256 * 16) return 0;
  double best = cost.direct();
  int tile = 0;
  for (int each : {2, 4, 5}) {
    if (each == 5 && !pooled) continue;
    const double price = cost_of_tiles(cost, each);
    if (price < best) {
      best = price;
      tile = each;
    }
  }
  return tile;
}

}  // namespace

void set_winograd(Winograd choice) { chosen.store(choice, std::memory_order_relaxed); }

int winograd_product_tile(int64_t batch, int64_t height, int64_t width, int64_t depth, int64_t columns) {
  return cheapest(batch, height, width, depth, columns, [](const Cost& cost, int tile) {
    return cost.products(tile) + cost.transforms(tile) + cost.weights(tile, 12);
  });
}

int winograd_pooled_tile(int64_t batch, int64_t height, int64_t width, int64_t depth, int64_t columns) {
  // Few channels have a way of their own.
  if (depth <= 4) return 0;
  // What pooling drops is not computed. Of 5x5 it takes four tiles at once.
  return cheapest(
      batch, height / 2 * 2, width / 2 * 2, depth, columns,
      [](const Cost& cost, int tile) {
        const int side = tile == 5 ? 10 : tile;
        const double grown = cost.tiles(side) * (side / tile) * (side / tile) / cost.tiles(tile);
        // Of 4x4, pooling is done out of more registers than there are: a third, measured.
        return (cost.products(tile) + cost.transforms(tile)) * grown * (tile == 4 ? 1.33 : 1.0) +
               cost.weights(tile, 12);
      },
      true);
}

int winograd_filter_tile(int64_t batch, int64_t height, int64_t width, int64_t depth, int64_t columns) {
  return cheapest(batch, height, width, depth, columns, [&](const Cost& cost, int tile) {
    const int64_t slices =
        winograd_filter_slices(static_cast<int64_t>(cost.tiles(tile)), depth, columns, tile);
    return cost.products(tile) + cost.transforms(tile) +
           cost.weights(tile, 4.0 * static_cast<double>(slices));
  });
}

int64_t winograd_filter_slices(int64_t tiles, int64_t depth, int64_t columns, int tile) {
  // Each part's sums are written and read as a whole, which only pays for many tiles.
  constexpr int64_t kSliceTiles = 128, kMost = 4, kFloats = int64_t{2} << 20;
  const int64_t by_tiles = tiles / kSliceTiles;
  const int64_t by_memory = kFloats / ((tile + 2) * (tile + 2) * depth * (columns + 16));
  int64_t slices = by_tiles < by_memory ? by_tiles : by_memory;
  if (slices > kMost) slices = kMost;
  return slices < 1 ? 1 : slices;
}

}  // namespace tfjs
