// Feeds frames to a network without wrapper for long, and compares every beat that leaves.
// Arguments: frames, seed, cycles between two resets on average, cycles without a beat after which it is stuck.
// input.bin and expected.bin hold DISTINCT frames, which are repeated. Defined at compilation: DISTINCT, IN_BEATS,
// OUT_BEATS of a frame, IN_BYTES, OUT_BYTES of a beat.
//
// Speeds of source and sink change in bursts: always, three of four cycles, one of four, never. At random moments a
// reset of 1 to 3 cycles ends all that is under way; the source then begins again with the first frame that has not
// left completely. In one frame of 64 a beat has the wrong tlast, which has to raise frame_error and nothing else.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "Vmine.h"
#include "verilated.h"

namespace {

template <typename Port>
void put(Port& port, const uint8_t* bytes, int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; ++i) value |= uint64_t(bytes[i]) << (8 * i);
    port = Port(value);
}

template <std::size_t Words>
void put(VlWide<Words>& port, const uint8_t* bytes, int count) {
    for (std::size_t i = 0; i < Words; ++i) port[i] = 0;
    for (int i = 0; i < count; ++i) port[i / 4] |= EData(bytes[i]) << (8 * (i % 4));
}

template <typename Port>
uint8_t byte_of(const Port& port, int i) {
    return uint8_t(uint64_t(port) >> (8 * i));
}

template <std::size_t Words>
uint8_t byte_of(const VlWide<Words>& port, int i) {
    return uint8_t(port[i / 4] >> (8 * (i % 4)));
}

std::vector<uint8_t> read_file(const char* name, std::size_t size) {
    std::vector<uint8_t> content(size);
    std::FILE* file = std::fopen(name, "rb");
    if (!file || std::fread(content.data(), 1, size, file) != size) std::exit(2);
    std::fclose(file);
    return content;
}

uint64_t state = 1;

uint64_t draw() {
    // xorshift64: the same sequence everywhere.
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state >> 11;
}

struct Pace {
    uint64_t left = 0;
    unsigned of_four = 4;
    uint64_t bursts = 0;
    bool goes() {
        if (!left--) {
            const unsigned paces[] = {4, 4, 3, 1, 0};
            of_four = paces[draw() % 5];
            left = of_four ? draw() % 400 : draw() % 100;
            ++bursts;
        }
        return draw() % 4 < of_four;
    }
};

int fail(const char* what, uint64_t frame, uint64_t beat, uint64_t cycle) {
    std::printf("%s: frame %llu, beat %llu, cycle %llu\n", what, (unsigned long long)frame, (unsigned long long)beat,
                (unsigned long long)cycle);
    return 4;
}

}  // namespace

int main(int, char** arguments) {
    const uint64_t frames = std::strtoull(arguments[1], nullptr, 10);
    state = std::strtoull(arguments[2], nullptr, 10) * 2654435761u + 88172645463325252u;
    const uint64_t reset_cycles = std::strtoull(arguments[3], nullptr, 10);
    const uint64_t most = std::strtoull(arguments[4], nullptr, 10);
    const auto input = read_file("input.bin", std::size_t(DISTINCT) * IN_BEATS * IN_BYTES);
    const auto expected = read_file("expected.bin", std::size_t(DISTINCT) * OUT_BEATS * OUT_BYTES);
    Vmine dut;
    Pace source, sink;
    uint64_t in_frame = 0, in_beat = 0, out_frame = 0, out_beat = 0, cycle = 0, idle = 0;
    uint64_t resets = 0, damaged = 0, compared = 0, stalls = 0, gaps = 0;
    uint64_t wrong_beat = IN_BEATS;  // of the frame that is sent; none if it is IN_BEATS
    uint64_t since_error = 0;        // cycles since a wrong tlast was taken; 0: none since the last reset
    bool offered = false;
    auto tick = [&]() {
        dut.clk = 1;
        dut.eval();
        dut.clk = 0;
        dut.eval();
        ++cycle;
    };
    auto choose_damage = [&]() { wrong_beat = draw() % 64 ? IN_BEATS : draw() % IN_BEATS; };
    auto reset = [&](uint64_t cycles) {
        dut.rst = 1;
        dut.s_axis_tvalid = 0;
        for (uint64_t i = 0; i < cycles; ++i) {
            dut.eval();
            if (dut.s_axis_tready) std::exit(fail("ready in reset", in_frame, in_beat, cycle));
            tick();
        }
        dut.rst = 0;
        in_frame = out_frame;
        in_beat = out_beat = since_error = 0;
        offered = false;
        choose_damage();
    };
    dut.clk = 0;
    reset(4);
    while (out_frame < frames) {
        if (reset_cycles && draw() % reset_cycles == 0) {
            reset(1 + draw() % 3);
            ++resets;
        }
        offered = in_frame < frames && (source.goes() || offered);
        dut.s_axis_tvalid = offered;
        put(dut.s_axis_tdata, &input[((in_frame % DISTINCT) * IN_BEATS + in_beat) * IN_BYTES], IN_BYTES);
        dut.s_axis_tlast = (in_beat == IN_BEATS - 1) != (in_beat == wrong_beat);
        dut.m_axis_tready = sink.goes();
        dut.eval();
        gaps += !offered;
        stalls += dut.m_axis_tvalid && !dut.m_axis_tready;
        if (dut.frame_error && !since_error) return fail("frame_error without a cause", in_frame, in_beat, cycle);
        if (since_error && ++since_error > 5 && !dut.frame_error)
            return fail("a wrong tlast was not told", in_frame, in_beat, cycle);
        ++idle;
        if (dut.m_axis_tvalid && dut.m_axis_tready) {
            const uint8_t* beat = &expected[((out_frame % DISTINCT) * OUT_BEATS + out_beat) * OUT_BYTES];
            for (int i = 0; i < OUT_BYTES; ++i)
                if (byte_of(dut.m_axis_tdata, i) != beat[i]) return fail("wrong data", out_frame, out_beat, cycle);
            if (bool(dut.m_axis_tlast) != (out_beat == OUT_BEATS - 1))
                return fail("wrong tlast", out_frame, out_beat, cycle);
            ++compared;
            idle = 0;
            if (++out_beat == OUT_BEATS) {
                out_beat = 0;
                ++out_frame;
            }
        }
        if (offered && dut.s_axis_tready) {
            if (in_beat == wrong_beat) {
                ++damaged;
                if (!since_error) since_error = 1;
            }
            offered = false;
            idle = 0;
            if (++in_beat == IN_BEATS) {
                in_beat = 0;
                ++in_frame;
                choose_damage();
            }
        }
        if (idle > most) return fail("stuck", out_frame, out_beat, cycle);
        tick();
    }
    std::printf("{\"frames\": %llu, \"cycles\": %llu, \"beats\": %llu, \"bursts\": %llu, \"stalled_cycles\": %llu, "
                "\"idle_source_cycles\": %llu, \"resets\": %llu, \"damaged_frames\": %llu}\n",
                (unsigned long long)out_frame, (unsigned long long)cycle, (unsigned long long)compared,
                (unsigned long long)(source.bursts + sink.bursts), (unsigned long long)stalls,
                (unsigned long long)gaps, (unsigned long long)resets, (unsigned long long)damaged);
    return 0;
}
