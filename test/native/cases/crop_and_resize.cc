#include "../harness.h"

namespace tfjs::test {
namespace {

// Boxes inside, across the edge, outside, turned around, of no size, and such as no number tells.
Spec draw_boxes(Suite& suite, int64_t n) {
  const double odd[] = {0, 1, -0.0, NAN, INFINITY, -INFINITY, 0.5};
  Spec boxes = f32({n, 4});
  for (int64_t i = 0; i < n * 4; i++) {
    const double unit = static_cast<double>(suite.draw(-300, 1300)) / 1000;
    const double inside = static_cast<double>(suite.draw(0, 64)) / 64;
    // The twin computes with what the kernel is given.
    boxes.values.push_back(static_cast<float>(suite.chance(0.5)   ? inside
                                              : suite.chance(0.9) ? unit
                                                                  : odd[suite.draw(0, 6)]));
  }
  return boxes;
}

void add(Suite& suite, const std::vector<int64_t>& image, int64_t boxes, int64_t height, int64_t width) {
  for (int64_t nearest : {0, 1}) {
    for (DType dtype : {DType::Float32, DType::Int32}) {
      Spec image_of = i32({boxes});
      for (int64_t i = 0; i < boxes; i++)
        image_of.values.push_back(
            static_cast<double>(suite.chance(0.8) ? suite.draw(0, image[0] - 1) : suite.draw(-1, image[0])));
      suite.add({{dtype, image, Fill::Normal, {}, false}, draw_boxes(suite, boxes), image_of},
                {f32({boxes, height, width, image[3]})},
                CropAndResizeParams{nearest, suite.chance(0.5) ? 0.0f : -1.5f});
    }
  }
}

}  // namespace

TFJS_CASES(CropAndResize) {
  add(suite, {2, 8, 8, 3}, 5, 4, 4);
  add(suite, {1, 1, 1, 1}, 3, 2, 2);
  add(suite, {2, 5, 7, 4}, 6, 1, 1);
  add(suite, {2, 5, 7, 2}, 0, 3, 3);
  add(suite, {2, 5, 7, 2}, 3, 0, 3);
  add(suite, {2, 64, 64, 3}, 20, 48, 40);
  add(suite, {2, 30, 30, 64}, 9, 14, 14);
  for (int64_t channels : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33}) add(suite, {2, 6, 5, channels}, 6, 7, 9);
  for (int i = 0; i < 30 * repeats(); i++) {
    add(suite, {suite.draw(1, 3), suite.draw(1, 12), suite.draw(1, 12), suite.draw(1, 20)}, suite.draw(1, 6),
        suite.draw(1, 12), suite.draw(1, 12));
  }
}

}  // namespace tfjs::test
