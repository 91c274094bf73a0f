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

// The request of ioctl_ns(2) for the user namespace that owns a network namespace.
const nsGetUserns = 0xb701

// enter moves the calling thread into a network namespace. It returns the user namespace that this belongs to if that is
// another one than this program's (a Pod with hostUsers: false): the kernel takes rules about users only from inside of it.
func enter(path string) (*os.File, error) {
	network, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer network.Close()
	if _, _, errno := syscall.RawSyscall(sysSetns, network.Fd(), syscall.CLONE_NEWNET, 0); errno != 0 {
		return nil, &fs.PathError{Op: "setns", Path: path, Err: errno}
	}
	fd, _, errno := syscall.RawSyscall(syscall.SYS_IOCTL, network.Fd(), nsGetUserns, 0)
	if errno != 0 {
		return nil, &fs.PathError{Op: "ioctl NS_GET_USERNS", Path: path, Err: errno}
	}
	syscall.CloseOnExec(int(fd))
	owner := os.NewFile(fd, "user namespace of "+path)
	if same, err := isOwnUserNamespace(owner); same || err != nil {
		owner.Close()
		return nil, err
	}
	return owner, nil
}

func isOwnUserNamespace(namespace *os.File) (bool, error) {
	own, err := os.Stat("/proc/self/ns/user")
	if err != nil {
		return false, err
	}
	its, err := namespace.Stat()
	return err == nil && os.SameFile(own, its), err
}

// commandOf is the command itself, or by nsenter where a user namespace must be entered: only a process of one thread may.
func commandOf(ctx context.Context, given order, owner *os.File) *exec.Cmd {
	if owner == nil {
		return exec.CommandContext(ctx, given.File, given.Args...)
	}
	args := append([]string{"--user=/proc/self/fd/3", "--", given.File}, given.Args...)
	command := exec.CommandContext(ctx, "nsenter", args...)
	command.ExtraFiles = []*os.File{owner}
	return command
}

// run must have a goroutine to itself: its thread stays in the namespace, and ends with the goroutine.
func run(given order) outcome {
	runtime.LockOSThread()
	result := outcome{ID: given.ID}
	owner, err := enter(given.Namespace)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	defer owner.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(given.TimeoutMs)*time.Millisecond)
	defer cancel()
	command := commandOf(ctx, given, owner)
	command.Stdin = strings.NewReader(given.Input)
	var stdout, stderr limitedBuffer
	command.Stdout, command.Stderr = &stdout, &stderr
	command.WaitDelay = time.Second
	// Nothing goes on when this program was killed.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = command.Run()
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
