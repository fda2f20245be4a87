// Checks histories with Porcupine, for comparison with our own checker.
//
//	porcupine-check -rounds 3 -limit 10s [-whole] [-hash] HISTORY.jsonl ...
//
// A history is one JSON object for each operation, one on each line, as Docs/Reference/
// history-format.md says: registers, and stores without lists. For each file and round one line is
// printed: the file, the verdict, and the seconds that the check took. Reading is not counted.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"hash/maphash"
	"math"
	"os"
	"runtime"
	"time"

	"github.com/anishathalye/porcupine"
)

// One line of a history.
type line struct {
	Client json.RawMessage `json:"client"`
	Call   int64           `json:"call"`
	Return *int64          `json:"return"`
	Op     struct {
		Type  string  `json:"type"`
		Key   string  `json:"key"`
		Value *string `json:"value"`
		From  *string `json:"from"`
		To    *string `json:"to"`
	} `json:"op"`
	Result struct {
		Status  string  `json:"status"`
		Value   *string `json:"value"`
		Swapped bool    `json:"swapped"`
	} `json:"result"`
}

type kind uint8

const (
	get kind = iota
	put
	add
	compare
)

// What is asked for: about a key by its number, in the order of their first mention.
type input struct {
	kind     kind
	key      int
	from, to string
}

// What is answered; nothing is known of it where isUnknown is set.
type output struct {
	isUnknown bool
	isSwapped bool
	value     string
}

type history struct {
	operations []porcupine.Operation
	keys       int
}

func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

func parse(line line, keys map[string]int) (input, output, error) {
	if _, isKnown := keys[line.Op.Key]; !isKnown {
		keys[line.Op.Key] = len(keys)
	}
	in := input{key: keys[line.Op.Key]}
	switch line.Op.Type {
	case "get", "read":
		in.kind = get
	case "put", "write":
		in.kind, in.to = put, text(line.Op.Value)
	case "append":
		in.kind, in.to = add, text(line.Op.Value)
	case "delete":
		in.kind = put
	case "cas":
		in.kind, in.from, in.to = compare, text(line.Op.From), text(line.Op.To)
	default:
		return in, output{}, fmt.Errorf("no word for %q", line.Op.Type)
	}
	out := output{isSwapped: line.Result.Swapped, value: text(line.Result.Value)}
	switch line.Result.Status {
	case "ok":
	case "unknown", "":
		out.isUnknown = true
	default:
		return in, out, fmt.Errorf("no word for the status %q", line.Result.Status)
	}
	return in, out, nil
}

// Reads a history. What failed, and reads that were never answered, say nothing and are left out:
// the search would only become longer by them.
func read(path string) (history, error) {
	file, err := os.Open(path)
	if err != nil {
		return history{}, err
	}
	defer file.Close()
	var found history
	keys := map[string]int{}
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<24)
	for number := 1; scanner.Scan(); number++ {
		if len(scanner.Bytes()) == 0 {
			continue
		}
		var line line
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return found, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if line.Result.Status == "failed" {
			continue
		}
		in, out, err := parse(line, keys)
		if err != nil {
			return found, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if out.isUnknown && in.kind == get {
			continue
		}
		returned := int64(math.MaxInt64)
		if line.Return != nil && !out.isUnknown {
			returned = *line.Return
		}
		found.operations = append(found.operations, porcupine.Operation{
			Input: in, Call: line.Call, Output: out, Return: returned})
	}
	found.keys = len(keys)
	return found, scanner.Err()
}

// Whether the step is possible, and the value after it.
func step(value string, in input, out output) (bool, string) {
	switch in.kind {
	case get:
		return out.isUnknown || out.value == value, value
	case put:
		return true, in.to
	case add:
		return true, value + in.to
	default:
		isEqual := value == in.from
		if !out.isUnknown && out.isSwapped != isEqual {
			return false, value
		}
		if isEqual {
			return true, in.to
		}
		return true, value
	}
}

// One value, of a register or of one key.
func single(seed maphash.Seed, isHashed bool) porcupine.Model {
	model := porcupine.Model{
		Init: func() interface{} { return "" },
		Step: func(state, in, out interface{}) (bool, interface{}) {
			before := state.(string)
			isRight, after := step(before, in.(input), out.(output))
			if after == before {
				// The same value need not be put into a box again.
				return isRight, state
			}
			return isRight, after
		},
		Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
			var parts [][]porcupine.Operation
			for _, operation := range all {
				key := operation.Input.(input).key
				for key >= len(parts) {
					parts = append(parts, nil)
				}
				parts[key] = append(parts[key], operation)
			}
			return parts
		},
	}
	if isHashed {
		model.Hash = func(state interface{}) uint64 {
			var hash maphash.Hash
			hash.SetSeed(seed)
			hash.WriteString(state.(string))
			return hash.Sum64()
		}
	}
	return model
}

// All keys as one object. A state is not changed once it is made.
type store struct {
	values []string
}

func whole(keys int, seed maphash.Seed, isHashed bool) porcupine.Model {
	model := porcupine.Model{
		Init: func() interface{} { return &store{make([]string, keys)} },
		Step: func(state, in, out interface{}) (bool, interface{}) {
			before, asked := state.(*store), in.(input)
			old := before.values[asked.key]
			isRight, new := step(old, asked, out.(output))
			if !isRight || new == old {
				return isRight, state
			}
			after := &store{append([]string(nil), before.values...)}
			after.values[asked.key] = new
			return true, after
		},
		Equal: func(a, b interface{}) bool {
			one, other := a.(*store), b.(*store)
			if one == other {
				return true
			}
			for key, value := range one.values {
				if other.values[key] != value {
					return false
				}
			}
			return true
		},
	}
	if isHashed {
		model.Hash = func(state interface{}) uint64 {
			var hash maphash.Hash
			hash.SetSeed(seed)
			for _, value := range state.(*store).values {
				hash.WriteString(value)
				hash.WriteByte(0)
			}
			return hash.Sum64()
		}
	}
	return model
}

func main() {
	rounds := flag.Int("rounds", 1, "how often each history is checked")
	limit := flag.Duration("limit", 10*time.Second, "how long one check may take")
	isWhole := flag.Bool("whole", false, "do not split by keys")
	isHashed := flag.Bool("hash", false, "let states be looked up by their hash")
	flag.Parse()
	var histories []history
	for _, path := range flag.Args() {
		history, err := read(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(65)
		}
		histories = append(histories, history)
	}
	seed := maphash.MakeSeed()
	isGivenUp := make([]bool, len(histories))
	for round := 0; round < *rounds; round++ {
		for number, history := range histories {
			if isGivenUp[number] {
				continue
			}
			model := single(seed, *isHashed)
			if *isWhole {
				model = whole(history.keys, seed, *isHashed)
			}
			// What earlier checks left behind is not this one's doing.
			runtime.GC()
			start := time.Now()
			result := porcupine.CheckOperationsTimeout(model, history.operations, *limit)
			seconds := time.Since(start).Seconds()
			isGivenUp[number] = result == porcupine.Unknown
			words := map[porcupine.CheckResult]string{
				porcupine.Ok: "linearizable", porcupine.Illegal: "violated",
				porcupine.Unknown: "undecided",
			}
			fmt.Printf("{\"file\":%q,\"verdict\":%q,\"seconds\":%.7f}\n",
				flag.Arg(number), words[result], seconds)
		}
	}
}
