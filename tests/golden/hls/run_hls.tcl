# C simulation, synthesis, co-simulation and IP export of network random 7:
# vitis-run --mode hls --tcl run_hls.tcl, or vitis_hls -f run_hls.tcl before 2024.2
#
# Options are environment variables: FPGAQ_PART, FPGAQ_CLOCK (period in ns), FPGAQ_STEPS (any of csim csynth cosim
# export, in this order), FPGAQ_PROJECT (a folder that is made anew).

proc option {name default} {
    if {[info exists ::env($name)]} {
        return $::env($name)
    }
    return $default
}

set part [option FPGAQ_PART xc7a100tcsg324-1]
set clock [option FPGAQ_CLOCK 10]
set steps [option FPGAQ_STEPS {csim csynth cosim export}]
set project [option FPGAQ_PROJECT hls_project]
foreach step $steps {
    if {[lsearch -exact {csim csynth cosim export} $step] < 0} {
        error "FPGAQ_STEPS: $step is none of csim csynth cosim export"
    }
}

# The tool compiles elsewhere: paths are those of this folder.
set here [file dirname [file normalize [info script]]]
set flags "-std=c++17 -I$here/src -I$here"

open_project -reset $project
set_top network_random_7
add_files $here/src/network.cpp -cflags $flags
add_files -tb $here/bench.cpp -cflags $flags
open_solution -reset solution -flow_target vivado
set_part $part
create_clock -period $clock -name default

if {[lsearch -exact $steps csim] >= 0} {
    csim_design -argv "$here/vectors"
}
if {[lsearch -exact $steps csynth] >= 0} {
    csynth_design
}
if {[lsearch -exact $steps cosim] >= 0} {
    cosim_design -argv "$here/vectors"
}
if {[lsearch -exact $steps export] >= 0} {
    export_design -format ip_catalog
}
exit
