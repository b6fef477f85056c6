// cblas_sgemm for products with registered matrices: the weights of a frozen model.
//
// Their operands are rounded to bfloat16 and multiplied by the tiles of AMX, or by AVX512_BF16 instructions where there
// are none; both sum in float32. Every other product goes to the BLAS. A registered matrix is packed once for each of its
// two uses: x W' in the forward pass and dy W in the backward pass. Each element of a result is summed in one fixed
// order, so it depends neither on the number of threads nor on the other rows of the batch.

#include <cpuid.h>
#include <immintrin.h>
#include <sched.h>
#include <sys/syscall.h>
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

constexpr int COLS = 32;             // of a panel
constexpr int PAIRS = 16;            // the pairs of terms of a packed operand are a multiple of these
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

int pairs_of(int depth) { return (depth + 2 * PAIRS - 1) / (2 * PAIRS) * PAIRS; }

// A matrix (depth, width) as panels of COLS columns; in a panel, pairs of rows lie beside each other.
Packed pack_right(const float* w, int depth, int width, long row, long column) {
  int pairs = pairs_of(depth), panels = (width + COLS - 1) / COLS;
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

// Terms from k on, at most 32, as bfloat16; those from `depth` on are 0.
__m512i rounded_terms(const float* row, int k, int depth) {
  auto half = [&](int from) {
    int count = std::clamp(depth - from, 0, 16);
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), row + from);
  };
  return (__m512i)_mm512_cvtne2ps_pbh(half(k + 16), half(k));
}

// Columns of a panel that the result has: all of them, or the first ones.
struct Columns {
  int count;
  __mmask16 first() const { return lanes(count); }
  __mmask16 second() const { return lanes(count - 16); }

 private:
  static __mmask16 lanes(int count) { return static_cast<__mmask16>((1u << std::clamp(count, 0, 16)) - 1); }
};

// Both units have tiles of ROWS rows and COLS columns. They sum at most DEPTH terms before they store a tile, so that its
// operands fit into the caches.

struct Avx512 {
  static constexpr int ROWS = 12;  // 24 registers of sums
  static constexpr int DEPTH = 2048;

  // Rows of the left operand as (pairs of columns, ROWS, 2); the rows that are missing are not written.
  static void pack_left(const float* x, long stride, int rows, int depth, uint16_t* out) {
    for (int r = 0; r < rows; r++) {
      uint32_t* to = reinterpret_cast<uint32_t*>(out) + r;
      for (int k = 0; k < depth; k += 32, to += 16 * ROWS) {
        alignas(64) uint32_t both[16];
        _mm512_store_si512(both, rounded_terms(x + r * stride, k, depth));
        for (int i = 0; i < 16; i++) to[i * ROWS] = both[i];
      }
    }
  }

  // Add the first `rows` rows of a tile, over `pairs` pairs of terms, to y, or to 0 if it is `fresh`.
  static void tile(const uint16_t* x, const uint16_t* w, int rows, int pairs, bool fresh, float* y, long stride,
                   Columns columns) {
    using Rows = void (*)(const uint32_t*, const uint16_t*, int, bool, float*, long, __mmask16, __mmask16);
    static constexpr Rows OF[] = {nullptr,  tile<1>, tile<2>, tile<3>, tile<4>,  tile<5>,  tile<6>,
                                  tile<7>, tile<8>, tile<9>, tile<10>, tile<11>, tile<12>};
    OF[rows](reinterpret_cast<const uint32_t*>(x), w, pairs, fresh, y, stride, columns.first(), columns.second());
  }

  static void begin() {}
  static void end() {}

 private:
  template <int R>
  static void tile(const uint32_t* x, const uint16_t* w, int pairs, bool fresh, float* y, long stride, __mmask16 first,
                   __mmask16 second) {
    __m512 sums[R][2];
    __mmask16 here = fresh ? 0 : first, beside = fresh ? 0 : second;
    for (int r = 0; r < R; r++) {
      sums[r][0] = _mm512_maskz_loadu_ps(here, y + r * stride);
      sums[r][1] = _mm512_maskz_loadu_ps(beside, y + r * stride + 16);
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
};

#if defined(__clang__) || __GNUC__ >= 11
#define CONCH_AMX __attribute__((target("amx-tile,amx-bf16")))

struct Amx {
  static constexpr int ROWS = 32;  // two by two registers of 16 x 16 sums, two of each operand
  static constexpr int DEPTH = 1024;

  // Whether the processor has the instructions and the system lets this process use them.
  static bool available() {
    unsigned a, b, c, d;
    constexpr unsigned BF16 = 1u << 22, TILE = 1u << 24;
    constexpr int ASK = 0x1023, TILE_DATA = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && d & BF16 && d & TILE &&
           syscall(SYS_arch_prctl, ASK, TILE_DATA) == 0;
  }

  // Rows of the left operand as (blocks of 32 columns, ROWS, 32); the rows that are missing are not written.
  static void pack_left(const float* x, long stride, int rows, int depth, uint16_t* out) {
    for (int k = 0; k < depth; k += 32, out += ROWS * 32)
      for (int r = 0; r < rows; r++) _mm512_store_si512(out + r * 32, rounded_terms(x + r * stride, k, depth));
  }

  // Add the first `rows` rows of a tile, over `pairs` pairs of terms, to y, or to 0 if it is `fresh`.
  CONCH_AMX static void tile(const uint16_t* x, const uint16_t* w, int rows, int pairs, bool fresh, float* y,
                             long stride, Columns columns) {
    alignas(64) float edge[ROWS * COLS];
    bool whole = rows == ROWS && columns.count == COLS;
    if (!whole && !fresh) copy(y, stride, edge, COLS, rows, columns);
    asm volatile("" ::: "memory");  // loads of tiles do not tell the compiler what they read
    float* sums = whole ? y : edge;
    long step = whole ? stride : COLS, bytes = step * sizeof(float);
    if (fresh) {
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
    } else {
      _tile_loadd(0, sums, bytes);
      _tile_loadd(1, sums + 16, bytes);
      _tile_loadd(2, sums + 16 * step, bytes);
      _tile_loadd(3, sums + 16 * step + 16, bytes);
    }
    for (int p = 0; p < pairs; p += PAIRS, x += ROWS * 32, w += PAIRS * 2 * COLS) {
      _tile_loadd(4, x, 64);
      _tile_loadd(6, w, 128);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(7, w + 32, 128);
      _tile_dpbf16ps(1, 4, 7);
      if (rows <= 16) continue;
      _tile_loadd(5, x + 16 * 32, 64);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, sums, bytes);
    _tile_stored(1, sums + 16, bytes);
    _tile_stored(2, sums + 16 * step, bytes);
    _tile_stored(3, sums + 16 * step + 16, bytes);
    if (!whole) copy(edge, COLS, y, stride, rows, columns);
  }

  // Shape the thread's registers: 16 rows of 64 bytes each.
  CONCH_AMX static void begin() {
    alignas(64) static constexpr struct {
      uint8_t palette = 1, start = 0, unused[14] = {};
      uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } SHAPES;
    _tile_loadconfig(&SHAPES);
  }
  CONCH_AMX static void end() { _tile_release(); }

 private:
  static void copy(const float* from, long stride, float* to, long step, int rows, Columns columns) {
    for (int r = 0; r < rows; r++) std::copy_n(from + r * stride, columns.count, to + r * step);
  }
};
#endif

// y (m, width) = beta * y + x (m, depth) times a packed matrix.
template <class Unit>
bool multiply(const float* x, long xs, int m, int depth, const uint16_t* w, int width, float beta, float* y, long ys) {
  constexpr int ROWS = Unit::ROWS, BLOCK = Unit::DEPTH / 2;
  int pairs = pairs_of(depth), panels = (width + COLS - 1) / COLS;
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
      Unit::pack_left(x + (start + static_cast<long>(t) * ROWS) * xs, xs, rows_of(t), depth, left_of(t));
    });
    pool().run(panels, parallel, [&](int panel) {
      Columns columns{std::min(COLS, width - panel * COLS)};
      const uint16_t* right = w + static_cast<size_t>(panel) * pairs * 2 * COLS;
      auto sums_of = [&](int t) { return y + (start + static_cast<long>(t) * ROWS) * ys + panel * COLS; };
      Unit::begin();
      for (int p = 0; p < pairs; p += BLOCK)
        for (int t = 0; t < tiles; t++)
          Unit::tile(left_of(t) + static_cast<size_t>(p) * 2 * ROWS, right + static_cast<size_t>(p) * 2 * COLS,
                     rows_of(t), std::min(BLOCK, pairs - p), beta == 0 && p == 0, sums_of(t), ys, columns);
      Unit::end();
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
decltype(&multiply<Avx512>) multiply_here = multiply<Avx512>;
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
  if (!multiply_here(x, xs, m, k, packed.get(), n, beta, y, ys)) return false;
  products++;
  return true;
}

}  // namespace

extern "C" {

// Choose the unit: AMX if it is wanted and available. Returns whether it is AMX.
int conch_bf16_amx(int wanted) {
#ifdef CONCH_AMX
  multiply_here = wanted && Amx::available() ? multiply<Amx> : multiply<Avx512>;
#endif
  return multiply_here != multiply<Avx512>;
}

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
