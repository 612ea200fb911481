module airgap-bundle/tests/snapd

go 1.23.0

require (
	github.com/snapcore/snapd v0.0.0-20201005140838-501d14ac146e
	golang.org/x/crypto v0.36.0
)

require (
	golang.org/x/sys v0.31.0 // indirect
	gopkg.in/tomb.v2 v2.0.0-20161208151619-d5d1b5820637 // indirect
	gopkg.in/yaml.v2 v2.4.0 // indirect
)
