// Feeds the beats of a file to a wrapper of 64 bits, and prints what leaves as wrapped_bench.v does.
// Arguments: the file, idle cycles after which it is over, 1 for gaps and stalls, 1 to have damaged frames marked.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "Vmine.h"
#include "verilated.h"

struct Beat {
    std::uint64_t data;
    unsigned keep, last, user;
};

static std::uint32_t state = 1;
static unsigned chance()
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % 3u;
}

static void tick(Vmine &dut)
{
    dut.aclk = 0;
    dut.eval();
    dut.aclk = 1;
    dut.eval();
}

int main(int, char **arguments)
{
    std::FILE *file = std::fopen(arguments[1], "r");
    const long most = std::atol(arguments[2]);
    const bool gaps = std::atoi(arguments[3]) != 0, mark = std::atoi(arguments[4]) != 0;
    std::vector<Beat> beats;
    Beat beat;
    unsigned long long data;
    while (std::fscanf(file, "%u %u %x %llx", &beat.user, &beat.last, &beat.keep, &data) == 4) {
        beat.data = data;
        beats.push_back(beat);
    }
    std::fclose(file);

    Vmine dut;
    dut.aresetn = 0;
    dut.s_axi_bready = 1;
    for (int cycle = 0; cycle < 4; cycle++)
        tick(dut);
    dut.aresetn = 1;
    dut.s_axi_awaddr = 0x14;
    dut.s_axi_wdata = mark ? 4 : 0;
    dut.s_axi_wstrb = 15;
    dut.s_axi_awvalid = dut.s_axi_wvalid = 1;
    while (dut.s_axi_awvalid || dut.s_axi_wvalid) {
        dut.aclk = 0;
        dut.eval();
        const bool address = dut.s_axi_awready, value = dut.s_axi_wready;
        tick(dut);
        dut.s_axi_awvalid = dut.s_axi_awvalid && !address;
        dut.s_axi_wvalid = dut.s_axi_wvalid && !value;
    }
    for (int cycle = 0; cycle < 8; cycle++)
        tick(dut);

    std::size_t place = 0;
    bool pause = false;
    for (long idle = 0; idle < most; idle++) {
        const bool valid = place < beats.size() && !pause;
        dut.s_axis_tvalid = valid;
        if (valid) {
            dut.s_axis_tdata = beats[place].data;
            dut.s_axis_tkeep = beats[place].keep;
            dut.s_axis_tlast = beats[place].last;
            dut.s_axis_tuser = beats[place].user;
        }
        dut.m_axis_tready = !gaps || chance() != 0;
        dut.aclk = 0;
        dut.eval();
        const bool taken = valid && dut.s_axis_tready;
        if (dut.m_axis_tvalid && dut.m_axis_tready) {
            std::printf("%u %u %02x %016llx\n", static_cast<unsigned>(dut.m_axis_tuser),
                        static_cast<unsigned>(dut.m_axis_tlast), static_cast<unsigned>(dut.m_axis_tkeep),
                        static_cast<unsigned long long>(dut.m_axis_tdata));
            idle = 0;
        }
        dut.aclk = 1;
        dut.eval();
        if (taken) {
            place++;
            idle = 0;
        }
        // A beat that was offered stays until it is taken.
        if (taken || pause || place == beats.size())
            pause = gaps && chance() == 0;
    }
    return place == beats.size() ? 0 : 1;
}
