module terp/tools/stand-in

go 1.26.6
