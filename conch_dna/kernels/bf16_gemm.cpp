// cblas_sgemm for products with registered matrices: the weights of a frozen model.
//
// Their operands are rounded to bfloat16 and multiplied by AVX512_BF16 instructions, which sum in float32. Every other
// product goes to the BLAS. A registered matrix is packed once for each of its two uses: x W' in the forward pass and
// dy W in the backward pass. Each element of a result is summed in one fixed order, so it depends neither on the number
// of threads nor on the other rows of the batch.

#include <immintrin.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

constexpr int ROWS = 12, COLS = 32;  // of one tile: 24 registers of sums
constexpr int DEPTH = 2048;          // terms that are summed before a tile is stored: its operands fit into the caches
constexpr long CHUNK = 384 * 1024;   // packed elements of the left operand at once
constexpr double LEAST_PARALLEL = 1e6;  // flop of a product that pays for waking a thread
constexpr int ROW_MAJOR = 101, AS_IS = 111, TRANSPOSED = 112;

using Gemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);

uint16_t rounded(float value) {  // to nearest, ties to even; NaN stays NaN
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Threads that share the tasks of one product at a time.
class Pool {
 public:
  explicit Pool(int threads) : process_(getpid()) {
    for (int i = 1; i < threads; i++) std::thread([this] { work(); }).detach();
    workers_ = threads - 1;
  }

  // Call task(0) ... task(count - 1), in any order; alone if another product runs, or in a forked process.
  void run(int count, bool parallel, const std::function<void(int)>& task) {
    std::unique_lock<std::mutex> turn(turn_, std::defer_lock);
    if (!parallel || count < 2 || !workers_ || getpid() != process_ || !turn.try_lock()) {
      for (int i = 0; i < count; i++) task(i);
      return;
    }
    {
      std::lock_guard<std::mutex> guard(mutex_);
      task_ = &task;
      count_ = count;
      next_ = 0;
      busy_ = workers_;
      round_++;
    }
    begun_.notify_all();
    share();
    std::unique_lock<std::mutex> guard(mutex_);
    ended_.wait(guard, [this] { return busy_ == 0; });
  }

 private:
  void share() {
    for (int i = next_++; i < count_; i = next_++) (*task_)(i);
  }

  void work() {
    for (uint64_t seen = 0;;) {
      {
        std::unique_lock<std::mutex> guard(mutex_);
        begun_.wait(guard, [&] { return round_ != seen; });
        seen = round_;
      }
      share();
      std::lock_guard<std::mutex> guard(mutex_);
      if (--busy_ == 0) ended_.notify_one();
    }
  }

  std::mutex turn_, mutex_;
  std::condition_variable begun_, ended_;
  const std::function<void(int)>* task_ = nullptr;
  std::atomic<int> next_{0};
  int count_ = 0, busy_ = 0, workers_ = 0;
  uint64_t round_ = 0;
  pid_t process_;
};

int threads() {
  const char* given = std::getenv("OPENBLAS_NUM_THREADS");
  int most = given ? std::atoi(given) : 0;
  cpu_set_t allowed;
  int here = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
  return most > 0 ? std::min(most, here) : here;
}

Pool& pool() {
  static Pool* made = new Pool(threads());  // never destroyed: its threads may still wait at exit
  return *made;
}

struct Free {
  void operator()(uint16_t* p) const { std::free(p); }
};
using Packed = std::unique_ptr<uint16_t, Free>;

Packed allocate(size_t elements) {
  size_t bytes = (elements * sizeof(uint16_t) + 63) / 64 * 64;
  return Packed(static_cast<uint16_t*>(std::aligned_alloc(64, std::max<size_t>(bytes, 64))));
}

// A matrix (depth, width) as panels of COLS columns; in a panel, pairs of rows lie beside each other.
Packed pack_right(const float* w, int depth, int width, long row, long column) {
  int pairs = (depth + 1) / 2, panels = (width + COLS - 1) / COLS;
  Packed made = allocate(static_cast<size_t>(panels) * pairs * 2 * COLS);
  if (!made) return made;
  pool().run(panels, true, [&](int panel) {
    uint16_t* out = made.get() + static_cast<size_t>(panel) * pairs * 2 * COLS;
    for (int pair = 0; pair < pairs; pair++)
      for (int n = panel * COLS; n < (panel + 1) * COLS; n++)
        for (int k = 2 * pair; k < 2 * pair + 2; k++)
          *out++ = n < width && k < depth ? rounded(w[k * row + n * column]) : 0;
  });
  return made;
}

// Rows of the left operand as (pairs of columns, ROWS, 2); the rows that are missing are not written, nor read.
void pack_left(const float* x, long stride, int rows, int depth, uint16_t* out) {
  uint32_t* pairs = reinterpret_cast<uint32_t*>(out);
  for (int r = 0; r < rows; r++) {
    const float* row = x + r * stride;
    uint32_t* to = pairs + r;
    int k = 0;
    for (; k + 32 <= depth; k += 32, to += 16 * ROWS) {
      alignas(64) uint32_t both[16];
      __m512bh half = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(row + k + 16), _mm512_loadu_ps(row + k));
      std::memcpy(both, &half, sizeof both);
      for (int i = 0; i < 16; i++) to[i * ROWS] = both[i];
    }
    for (; k < depth; k += 2, to += ROWS)
      *to = rounded(row[k]) | (k + 1 < depth ? static_cast<uint32_t>(rounded(row[k + 1])) << 16 : 0);
  }
}

// Add R rows of a tile to y, over `pairs` pairs of terms.
template <int R>
void tile(const uint32_t* x, const uint16_t* w, int pairs, float* y, long stride, __mmask16 first, __mmask16 second) {
  __m512 sums[R][2];
  for (int r = 0; r < R; r++) {
    sums[r][0] = _mm512_maskz_loadu_ps(first, y + r * stride);
    sums[r][1] = _mm512_maskz_loadu_ps(second, y + r * stride + 16);
  }
  for (int p = 0; p < pairs; p++, x += ROWS, w += 2 * COLS) {
    __m512bh left = (__m512bh)_mm512_load_si512(w), right = (__m512bh)_mm512_load_si512(w + COLS);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      __m512bh both = (__m512bh)_mm512_set1_epi32(static_cast<int>(x[r]));
      sums[r][0] = _mm512_dpbf16_ps(sums[r][0], both, left);
      sums[r][1] = _mm512_dpbf16_ps(sums[r][1], both, right);
    }
  }
  for (int r = 0; r < R; r++) {
    _mm512_mask_storeu_ps(y + r * stride, first, sums[r][0]);
    _mm512_mask_storeu_ps(y + r * stride + 16, second, sums[r][1]);
  }
}

using Tile = void (*)(const uint32_t*, const uint16_t*, int, float*, long, __mmask16, __mmask16);
constexpr Tile TILES[] = {nullptr, tile<1>, tile<2>, tile<3>, tile<4>,  tile<5>,  tile<6>,
                          tile<7>, tile<8>, tile<9>, tile<10>, tile<11>, tile<12>};

__mmask16 lanes(int count) { return static_cast<__mmask16>((1u << std::clamp(count, 0, 16)) - 1); }

// y (m, width) = beta * y + x (m, depth) times a packed matrix.
bool multiply(const float* x, long xs, int m, int depth, const uint16_t* w, int width, float beta, float* y, long ys) {
  int pairs = (depth + 1) / 2, panels = (width + COLS - 1) / COLS;
  int chunk = static_cast<int>(std::max<long>(4, CHUNK / (2L * pairs * ROWS)));  // in tiles
  thread_local Packed left;
  thread_local size_t room = 0;
  size_t needed = static_cast<size_t>(std::min(chunk, (m + ROWS - 1) / ROWS)) * ROWS * pairs * 2;
  if (needed > room) {
    left = allocate(needed);
    room = left ? needed : 0;
    if (!left) return false;
  }
  uint16_t* packed = left.get();
  bool parallel = 2.0 * m * width * depth >= LEAST_PARALLEL;
  for (int start = 0; start < m; start += chunk * ROWS) {
    int rows = std::min(m - start, chunk * ROWS), tiles = (rows + ROWS - 1) / ROWS;
    auto rows_of = [&](int t) { return std::min(ROWS, rows - t * ROWS); };
    auto left_of = [&](int t) { return packed + static_cast<size_t>(t) * ROWS * pairs * 2; };
    pool().run(tiles, parallel, [&](int t) {
      pack_left(x + (start + static_cast<long>(t) * ROWS) * xs, xs, rows_of(t), depth, left_of(t));
    });
    pool().run(panels, parallel, [&](int panel) {
      int here = std::min(COLS, width - panel * COLS);
      __mmask16 first = lanes(here), second = lanes(here - 16);
      const uint16_t* right = w + static_cast<size_t>(panel) * pairs * 2 * COLS;
      for (int t = 0; t < tiles; t++) {
        float* out = y + (start + static_cast<long>(t) * ROWS) * ys + panel * COLS;
        if (beta == 0)
          for (int r = 0; r < rows_of(t); r++) std::fill_n(out + r * ys, here, 0.0f);
      }
      for (int p = 0; p < pairs; p += DEPTH / 2)
        for (int t = 0; t < tiles; t++)
          TILES[rows_of(t)](reinterpret_cast<uint32_t*>(left_of(t)) + static_cast<size_t>(p) * ROWS,
                            right + static_cast<size_t>(p) * 2 * COLS, std::min(DEPTH / 2, pairs - p),
                            y + (start + static_cast<long>(t) * ROWS) * ys + panel * COLS, ys, first, second);
    });
  }
  return true;
}

// A registered matrix (rows, columns), with its packed forms once they are used.
struct Weight {
  int rows, columns, uses = 1;
  Packed forward, backward;
  std::mutex packing;
};

Gemm blas = nullptr;
std::shared_mutex registering;
std::unordered_map<const float*, std::shared_ptr<Weight>> weights;
std::atomic<long> products{0};

bool product(int transposed, int m, int n, int k, const float* x, int xs, const float* w, int ws, float beta, float* y,
             int ys) {
  std::shared_ptr<Weight> found;
  {
    std::shared_lock<std::shared_mutex> guard(registering);
    auto place = weights.find(w);
    if (place == weights.end()) return false;
    found = place->second;
  }
  bool forward = transposed == TRANSPOSED;
  int rows = forward ? n : k, columns = forward ? k : n;
  if (found->rows != rows || found->columns != columns || ws != columns) return false;
  Packed& packed = forward ? found->forward : found->backward;
  {
    std::lock_guard<std::mutex> guard(found->packing);
    if (!packed) packed = forward ? pack_right(w, k, n, 1, columns) : pack_right(w, k, n, columns, 1);
    if (!packed) return false;  // no memory
  }
  if (!multiply(x, xs, m, k, packed.get(), n, beta, y, ys)) return false;
  products++;
  return true;
}

}  // namespace

extern "C" {

void conch_bf16_blas(void* sgemm) { blas = reinterpret_cast<Gemm>(sgemm); }

// Register a matrix (rows, columns), row by row, that does not change until it is released as often.
void conch_bf16_register(const float* w, int rows, int columns) {
  std::unique_lock<std::shared_mutex> guard(registering);
  auto& place = weights[w];
  if (place && place->rows == rows && place->columns == columns) {
    place->uses++;
    return;
  }
  place = std::make_shared<Weight>();
  place->rows = rows;
  place->columns = columns;
}

void conch_bf16_release(const float* w) {
  std::unique_lock<std::shared_mutex> guard(registering);
  auto place = weights.find(w);
  if (place != weights.end() && --place->second->uses == 0) weights.erase(place);
}

long conch_bf16_products() { return products; }

void cblas_sgemm(int order, int left, int right, int m, int n, int k, float alpha, const float* a, int as,
                 const float* b, int bs, float beta, float* c, int cs) {
  if (order == ROW_MAJOR && left == AS_IS && alpha == 1 && (beta == 0 || beta == 1) && m > 0 && n > 0 && k > 0 &&
      product(right, m, n, k, a, as, b, bs, beta, c, cs))
    return;
  blas(order, left, right, m, n, k, alpha, a, as, b, bs, beta, c, cs);
}
}
