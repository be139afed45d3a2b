// Runs fixture.v until the writer is done, and prints the words that it wrote.
#include <cstdio>
#include <cstdlib>

#include "Vfixture.h"
#include "verilated.h"

int main(int, char **arguments)
{
    Vfixture dut;
    const int words = std::atoi(arguments[1]);
    for (long cycle = 0; cycle < 1000000; cycle++) {
        dut.sys_rst = cycle < 4;
        dut.sys_clk = 0;
        dut.eval();
        dut.sys_clk = 1;
        dut.eval();
        if (dut.done && cycle > 10) {
            for (int place = 0; place < words; place++) {
                dut.place = place;
                dut.eval();
                std::printf("%lx\n", static_cast<unsigned long>(dut.word));
            }
            return 0;
        }
    }
    return 1;
}
