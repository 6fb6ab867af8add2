package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"sort"
)

// The part of CBOR (RFC 8949) that the SDK sends and reads: numbers, texts, lists, maps, booleans, null and times (tag 1).

const (
	cborUint = iota << 5
	cborNegative
	cborBytes
	cborText
	cborList
	cborMap
	cborTag
	cborOther
)

type timestamp float64

func cborHead(major byte, n uint64) []byte {
	switch {
	case n < 24:
		return []byte{major | byte(n)}
	case n <= math.MaxUint8:
		return []byte{major | 24, byte(n)}
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16([]byte{major | 25}, uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32([]byte{major | 26}, uint32(n))
	}
	return binary.BigEndian.AppendUint64([]byte{major | 27}, n)
}

func encodeCBOR(value any) []byte {
	switch v := value.(type) {
	case nil:
		return []byte{0xf6}
	case bool:
		if v {
			return []byte{0xf5}
		}
		return []byte{0xf4}
	case int64:
		if v < 0 {
			return cborHead(cborNegative, uint64(-1-v))
		}
		return cborHead(cborUint, uint64(v))
	case int:
		return encodeCBOR(int64(v))
	case float64:
		return binary.BigEndian.AppendUint64([]byte{0xfb}, math.Float64bits(v))
	case timestamp:
		return append([]byte{cborTag | 1}, encodeCBOR(float64(v))...)
	case string:
		return append(cborHead(cborText, uint64(len(v))), v...)
	case []any:
		bytes := cborHead(cborList, uint64(len(v)))
		for _, item := range v {
			bytes = append(bytes, encodeCBOR(item)...)
		}
		return bytes
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		bytes := cborHead(cborMap, uint64(len(v)))
		for _, key := range keys {
			bytes = append(append(bytes, encodeCBOR(key)...), encodeCBOR(v[key])...)
		}
		return bytes
	}
	panic(fmt.Sprintf("no CBOR of %T", value))
}

type cborReader struct{ rest []byte }

func decodeCBOR(bytes []byte) any {
	if len(bytes) == 0 {
		return map[string]any{}
	}
	return (&cborReader{bytes}).value()
}

func (r *cborReader) take(n uint64) []byte {
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

const cborBreak = 0xff

func (r *cborReader) value() any {
	first := r.take(1)[0]
	major, info := first&0xe0, uint64(first&0x1f)
	open := info == 31 // a list or map that ends with a break
	n := info
	switch info {
	case 24:
		n = uint64(r.take(1)[0])
	case 25:
		n = uint64(binary.BigEndian.Uint16(r.take(2)))
	case 26:
		n = uint64(binary.BigEndian.Uint32(r.take(4)))
	case 27:
		n = binary.BigEndian.Uint64(r.take(8))
	}
	more := func(done uint64) bool {
		if open && r.rest[0] == cborBreak {
			r.take(1)
			return false
		}
		return open || done < n
	}
	switch major {
	case cborUint:
		return int64(n)
	case cborNegative:
		return -1 - int64(n)
	case cborBytes, cborText:
		return string(r.take(n))
	case cborList:
		list := []any{}
		for done := uint64(0); more(done); done++ {
			list = append(list, r.value())
		}
		return list
	case cborMap:
		object := map[string]any{}
		for done := uint64(0); more(done); done++ {
			key := r.value().(string)
			object[key] = r.value()
		}
		return object
	case cborTag:
		return r.value()
	}
	switch info {
	case 20, 21:
		return info == 21
	case 26:
		return float64(math.Float32frombits(uint32(n)))
	case 27:
		return math.Float64frombits(n)
	}
	return nil
}
