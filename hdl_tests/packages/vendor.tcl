# Stand-ins for the commands of Vivado and Quartus: they keep what they are told, and print it.
# Arguments: the script to run.
proc unknown {name args} {
    puts [list $name {*}$args]
    # An object, or a list with one.
    return $name
}
proc package {args} { puts [list package {*}$args] }
set argv0 [lindex $argv 0]
source $argv0
