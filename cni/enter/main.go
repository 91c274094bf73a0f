// outrigger-enter runs commands in network namespaces for the node agent, which starts it once. The agent could start each
// command by nsenter; but its own process is large, so each start stops it for milliseconds, and all Pods wait in line.
// Here a start costs a small process a thread. It decides nothing: what to run where comes from the agent, over standard
// input, one JSON value a line; what came of it goes back over standard output. It ends when its input does.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// order is a command to run.
type order struct {
	ID uint64 `json:"id"`
	// The file that the network namespace is mounted on.
	Namespace string   `json:"namespace"`
	File      string   `json:"file"`
	Args      []string `json:"args"`
	Input     string   `json:"input"`
	TimeoutMs int64    `json:"timeoutMs"`
}

// outcome is what came of it. Exactly one of ExitCode, Signal, TimedOut and Error says how it ended.
type outcome struct {
	ID       uint64 `json:"id"`
	ExitCode *int   `json:"exitCode,omitempty"`
	Signal   string `json:"signal,omitempty"`
	TimedOut bool   `json:"timedOut,omitempty"`
	// Why it did not run at all; NotFound says that there is no such program.
	Error    string `json:"error,omitempty"`
	NotFound bool   `json:"notFound,omitempty"`
	Stdout   string `json:"stdout"`
	Stderr   string `json:"stderr"`
}

// What a command prints is rules, of some kilobytes.
const maxOutputBytes = 16 << 20

var errTooMuchOutput = errors.New("it printed too much")

// limitedBuffer does not embed its buffer, whose ReadFrom would go around the limit.
type limitedBuffer struct {
	kept     bytes.Buffer
	tooSmall bool
}

func (b *limitedBuffer) Write(part []byte) (int, error) {
	if b.kept.Len()+len(part) > maxOutputBytes {
		b.tooSmall = true
		return 0, errTooMuchOutput
	}
	return b.kept.Write(part)
}

// enter moves the calling thread into a network namespace.
func enter(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, _, errno := syscall.RawSyscall(sysSetns, file.Fd(), syscall.CLONE_NEWNET, 0); errno != 0 {
		return &fs.PathError{Op: "setns", Path: path, Err: errno}
	}
	return nil
}

// run must have a goroutine to itself: its thread stays in the namespace, and ends with the goroutine.
func run(given order) outcome {
	runtime.LockOSThread()
	result := outcome{ID: given.ID}
	if err := enter(given.Namespace); err != nil {
		result.Error = err.Error()
		return result
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(given.TimeoutMs)*time.Millisecond)
	defer cancel()
	command := exec.CommandContext(ctx, given.File, given.Args...)
	command.Stdin = strings.NewReader(given.Input)
	var stdout, stderr limitedBuffer
	command.Stdout, command.Stderr = &stdout, &stderr
	command.WaitDelay = time.Second
	// Nothing goes on when this program was killed.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := command.Run()
	result.Stdout, result.Stderr = stdout.kept.String(), stderr.kept.String()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		result.TimedOut = true
	case stdout.tooSmall || stderr.tooSmall:
		result.Error = errTooMuchOutput.Error()
	case err == nil:
		result.ExitCode = new(int)
	case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled():
		result.Signal = exit.Sys().(syscall.WaitStatus).Signal().String()
	case errors.As(err, &exit):
		code := exit.ExitCode()
		result.ExitCode = &code
	default:
		result.Error, result.NotFound = err.Error(), errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound)
	}
	return result
}

func main() {
	orders := json.NewDecoder(bufio.NewReader(os.Stdin))
	results := json.NewEncoder(os.Stdout)
	var writing sync.Mutex
	for {
		var given order
		if err := orders.Decode(&given); err != nil {
			return
		}
		go func() {
			result := run(given)
			writing.Lock()
			defer writing.Unlock()
			if err := results.Encode(result); err != nil {
				os.Exit(1)
			}
		}()
	}
}
