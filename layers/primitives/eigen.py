"""The eigenvalues of a small symmetric matrix, by Jacobi's rotations."""

from math import fabs, sqrt

from stratoquant.graph.language import Array, kernel

SWEEPS = 30  # some 6 to 10 are enough
NEGLIGIBLE = 1e-30  # of the sum of all squares, which rotations keep


@kernel
def diagonalise(matrix: Array, n: int) -> int:
    """Rotates the symmetric n by n matrix, kept row after row, until only its diagonal is left, which then holds the
    eigenvalues; returns how often all pairs were gone through."""
    total = 0.0
    for k in range(n * n):
        total += matrix[k] * matrix[k]
    sweeps = 0
    while sweeps < SWEEPS and beside_diagonal(matrix, n) > NEGLIGIBLE * total:
        for i in range(n):
            for j in range(i):
                rotate(matrix, n, i, j)
        sweeps += 1
    return sweeps


@kernel
def beside_diagonal(matrix: Array, n: int) -> float:
    """The sum of the squares below the diagonal."""
    total = 0.0
    for i in range(n):
        for j in range(i):
            total += matrix[i * n + j] * matrix[i * n + j]
    return total


@kernel
def rotate(matrix: Array, n: int, i: int, j: int) -> float:
    """Turns the plane of i and j so that their common element becomes 0; returns what that was."""
    apart = matrix[i * n + j]
    tangent = 0.0
    if apart != 0.0:
        slope = (matrix[j * n + j] - matrix[i * n + i]) / (2.0 * apart)
        tangent = 1.0 / (fabs(slope) + sqrt(slope * slope + 1.0))
        if slope < 0.0:
            tangent = -tangent
        cosine = 1.0 / sqrt(tangent * tangent + 1.0)
        sine = tangent * cosine
        for k in range(n):
            if k != i and k != j:
                first = matrix[k * n + i]
                second = matrix[k * n + j]
                matrix[k * n + i] = cosine * first - sine * second
                matrix[k * n + j] = sine * first + cosine * second
                matrix[i * n + k] = matrix[k * n + i]
                matrix[j * n + k] = matrix[k * n + j]
        matrix[i * n + i] -= tangent * apart
        matrix[j * n + j] += tangent * apart
        matrix[i * n + j] = 0.0
        matrix[j * n + i] = 0.0
    return tangent
