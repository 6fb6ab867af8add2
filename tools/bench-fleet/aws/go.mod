module bench-fleet/aws

go 1.24
