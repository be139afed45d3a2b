// Bench of network random 7: every value of the golden vectors, by equality.
// Ends with 0 if all are equal, 1 if any differs, 2 if the vectors are missing, empty or unsound.
#include "fpgaq_bench.h"
#include "network.h"

using namespace network_random_7_parts;

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : "vectors";
  const fpgaq_bench::Vectors<SAxis> s_axis_vectors(folder, "s_axis");
  const fpgaq_bench::Vectors<MAxis> m_axis_vectors(folder, "m_axis");
  const long long frames = s_axis_vectors.frames();
  s_axis_vectors.must_have(frames);
  m_axis_vectors.must_have(frames);
  long long wrong = 0;
  for (long long frame = 0; frame < frames; ++frame) {
    fpgaq::PortChannel<SAxis> s_axis("s_axis");
    fpgaq::PortChannel<MAxis> m_axis("m_axis");
    fpgaq_host::feed<SAxis>(s_axis, s_axis_vectors.frame(frame));
    network_random_7(s_axis, m_axis);
    wrong += fpgaq_bench::compare<MAxis>(m_axis, m_axis_vectors, frame, wrong == 0);
  }
  if (fpgaq_host::left_over() != 0) {
    std::printf("%lld beats are left over in the streams of the network\n", fpgaq_host::left_over());
    ++wrong;
  }
  std::printf("%lld frames, %lld values differ\n", frames, wrong);
  return wrong == 0 ? 0 : 1;
}
